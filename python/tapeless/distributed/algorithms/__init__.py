# torch.distributed.algorithms: ways of distributed training, of which activation checkpointing needs one process only.
"""Submodules that programs import by name."""
