# Order statistics: medians in their forms, quantiles.
"""Overloads of `median`, and quantiles made of sorts."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "median",
    "nanmedian",
]
METHODS = ("median", "nanmedian")

_f = _core.functions


def _median(name: str, which: str) -> Any:
    whole, along = _f[f"_{name}_all"], _f[f"_{name}_dim"]

    def median(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            return whole(input)
        return along(input, *args, **kwargs)

    median.__name__ = median.__qualname__ = name
    median.__doc__ = (
        f"{name}(input) or {name}(input, dim, keepdim=False): the lower median of {which}, of the whole tensor, or "
        "along a dimension with an int64 index where it stands. Derivative: of the whole, elements equal to the "
        "median share g evenly; along a dimension, g goes to the element at the index."
    )
    return median


median = _median("median", "all elements, NaN if there is one")
nanmedian = _median("nanmedian", "the elements that are not NaN")
