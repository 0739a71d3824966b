# torch.distributed.algorithms._checkpoint.checkpoint_wrapper: modules that recompute in backward.
"""Activation checkpointing around modules: the kind of it, and refusals; `torch.utils.checkpoint` is the way here."""

import enum

from tapeless import _doors


class CheckpointImpl(enum.Enum):
    """Which way of recomputing is meant."""

    REENTRANT = enum.auto()
    NO_REENTRANT = enum.auto()


globals().update(
    _doors.refusals(
        "checkpoint_wrapper apply_activation_checkpointing",
        RuntimeError,
        "{}: not here; call torch.utils.checkpoint.checkpoint(module, x, use_reentrant=False) in forward",
    )
)
