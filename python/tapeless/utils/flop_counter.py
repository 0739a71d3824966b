# torch.utils.flop_counter: counting floating-point operations, which is not done.
"""Types and decorators that programs import; a count would need to see every operation."""

from collections.abc import Callable
from typing import Any

from tapeless import _doors

FlopCounterMode = _doors.kind(
    "FlopCounterMode", __name__, "FlopCounterMode: operations are not counted here; torchinfo counts from shapes"
)


def register_flop_formula(targets: Any, get_raw: bool = False) -> Callable[..., Any]:
    """A decorator that leaves its function as it is."""
    return _doors.unchanged
