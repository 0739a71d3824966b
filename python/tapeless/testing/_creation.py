# Tensors with random elements for tests.
"""make_tensor."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import _core


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any = None,
    low: Any = None,
    high: Any = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> _core.Tensor:
    """A tensor with elements drawn evenly from [low, high): by default [-9, 9), of bool both values, of uint8 [0, 10).

    `noncontiguous` leaves gaps between the elements, `exclude_zero` replaces zeros by the smallest positive value.
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    if noncontiguous and memory_format is not None:
        raise ValueError(
            f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, got {memory_format}"
        )
    if requires_grad and not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(f"`requires_grad=True` is only supported for real and complex types, got {dtype}")
    low, high = _bounds(dtype, low, high)
    if noncontiguous and math.prod(sizes) > 1:
        drawn = _drawn(sizes, dtype, device, low, high)
        x = tapeless.stack([drawn, drawn], -1)[..., 0]
    else:
        x = _drawn(sizes, dtype, device, low, high)
    if exclude_zero:
        x[x == 0] = 1 if not (dtype.is_floating_point or dtype.is_complex) else tapeless.finfo(dtype).tiny
    if memory_format is not None:
        x = x.clone(memory_format=memory_format)
    return x.requires_grad_(requires_grad)


def _bounds(dtype: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The interval, by the dtype where none is given, within what the dtype holds."""
    if dtype is _core.bool:
        default = (0, 2)
    elif dtype is _core.uint8 or not (dtype.is_floating_point or dtype.is_complex):
        default = (0 if dtype is _core.uint8 else -9, 10)
    else:
        default = (-9, 9)
    low = default[0] if low is None else low
    high = default[1] if high is None else high
    if any(isinstance(v, float) and math.isnan(v) for v in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    if dtype.is_floating_point:
        limits = tapeless.finfo(dtype)
        return max(low, limits.min), min(high, limits.max)
    if dtype.is_complex or dtype is _core.bool:
        return low, high
    whole = tapeless.iinfo(dtype)
    return max(math.ceil(low), whole.min), min(math.ceil(high), whole.max + 1)


def _drawn(sizes: Any, dtype: Any, device: Any, low: Any, high: Any) -> _core.Tensor:
    if dtype.is_complex:
        parts = tapeless.empty((*sizes, 2), dtype=dtype.to_real(), device=device).uniform_(low, high)
        return tapeless.view_as_complex(parts)
    if dtype.is_floating_point:
        return tapeless.empty(sizes, dtype=dtype, device=device).uniform_(low, high)
    return tapeless.randint(low, high, sizes, dtype=dtype, device=device)
