# The default stream of random numbers: seeds, its state, and a scope that leaves it as it was.
"""Seeds and states of random number generators, as `torch.random`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from tapeless import _core

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

Generator = _core.Generator
default_generator = _core.default_generator


def manual_seed(seed: int) -> _core.Generator:
    """Restart the default stream: the same seed, the same numbers; -1 is 2**64 - 1."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Restart the default stream from the operating system's entropy; returns the seed taken."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream was started from."""
    return default_generator.initial_seed()


def get_rng_state() -> _core.Tensor:
    """The state of the default stream, a tensor of bytes that PyTorch understands too."""
    return default_generator.get_state()


def set_rng_state(new_state: _core.Tensor) -> None:
    """Continue the default stream from a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str = "cpu",
) -> Iterator[None]:
    """Leave the default stream at the end of the scope as it was at its start.

    There is no stream per device here, so `devices` and `device_type` change nothing.
    """
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
