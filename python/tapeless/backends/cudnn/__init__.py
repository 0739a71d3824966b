# torch.backends.cudnn: the switches of a library that is not here.
"""cuDNN: not available. `benchmark`, `deterministic` and the rest keep what is written into them."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tapeless import _doors

enabled, benchmark, deterministic, allow_tf32, benchmark_limit = True, False, False, True, None
globals().update(_doors.answers("is_available is_acceptable", False))
globals().update(_doors.answers("version", None))

_SWITCHES = ("enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32")


def set_flags(
    _enabled: bool | None = None,
    _benchmark: bool | None = None,
    _benchmark_limit: int | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[Any, ...]:
    """Sets what is not None, and gives what stood there before."""
    before = tuple(globals()[name] for name in _SWITCHES)
    given = (_enabled, _benchmark, _benchmark_limit, _deterministic, _allow_tf32)
    globals().update({name: value for name, value in zip(_SWITCHES, given, strict=True) if value is not None})
    return before


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> Iterator[None]:
    """Sets all of the switches within it."""
    before = set_flags(enabled, benchmark, benchmark_limit, deterministic, allow_tf32)
    try:
        yield
    finally:
        globals().update(zip(_SWITCHES, before, strict=True))
