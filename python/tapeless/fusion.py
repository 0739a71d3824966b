# Deferral's switch: whether element-wise work waits to be fused, and from which size.
"""Fused execution: `with tapeless.fusion.settings(enabled=False): ...` runs every operation at once.

TAPELESS_FUSION=0 turns deferral off for a program; TAPELESS_DEFER_MIN=N defers from N elements on.
"""

import contextlib
import os
from collections.abc import Iterator

from tapeless import _core


@contextlib.contextmanager
def settings(enabled: bool | None = None, defer_min: int | None = None) -> Iterator[None]:
    """Sets, for a block, whether operations may wait and the number of elements from which they do."""
    before = _core._fusion()
    _core._set_fusion(
        before[0] if enabled is None else enabled,
        before[1] if defer_min is None else defer_min,
    )
    try:
        yield
    finally:
        _core._set_fusion(*before)


def _from_environment() -> None:
    enabled, least = _core._fusion()
    if os.environ.get("TAPELESS_FUSION") == "0":
        enabled = False
    _core._set_fusion(enabled, int(os.environ.get("TAPELESS_DEFER_MIN", least)))


_from_environment()
