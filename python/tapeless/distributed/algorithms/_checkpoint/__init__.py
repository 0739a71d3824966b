# torch.distributed.algorithms._checkpoint: modules that recompute in backward.
"""Activation checkpointing around modules."""
