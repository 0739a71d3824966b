# multiprocessing with tensors: the standard library's names, tensors that processes share, and spawn.
"""`torch.multiprocessing`: what `multiprocessing` has, and how tensors travel between processes.

A tensor that `share_memory_` moved travels as a handle: the processes see each other's writes. Any other travels as its
bytes; the receiver has a copy.
"""

from __future__ import annotations

import multiprocessing as _standard
from multiprocessing import *  # noqa: F403
from typing import Any

from tapeless.multiprocessing import reductions
from tapeless.multiprocessing.reductions import init_reductions
from tapeless.multiprocessing.spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)

__all__ = [
    *_standard.__all__,  # type: ignore[attr-defined]
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "reductions",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]

_strategies = {"file_descriptor", "file_system"}
_strategy = "file_descriptor"


def get_all_sharing_strategies() -> set[str]:
    """The names that `set_sharing_strategy` takes."""
    return set(_strategies)


def get_sharing_strategy() -> str:
    """The name that was set last. Memory is shared through file descriptors whatever it is."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepts PyTorch's names; memory is shared through descriptors of files that have no name, so none are left."""
    global _strategy
    assert new_strategy in _strategies, f"{new_strategy!r} is no sharing strategy: {sorted(_strategies)}"  # noqa: S101
    _strategy = new_strategy


def __getattr__(name: str) -> Any:
    return getattr(_standard, name)


init_reductions()
