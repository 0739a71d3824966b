# Maxima and minima in their three forms: of all elements, along a dimension with indices, of two tensors.
"""Overloads of `max` and `min`."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "max",
    "min",
]
METHODS = ("max", "min")

_f = _core.functions


def _extreme(name: str) -> Any:
    whole, along, pair = _f[f"_{name}_all"], _f[f"_{name}_dim"], _f[f"{name}imum"]

    def extreme(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        other = args[0] if args else kwargs.get("other")
        if isinstance(other, Tensor):
            return pair(input, other, out=out)
        if not args and not kwargs:
            return whole(input, out=out)
        return along(input, *args, **kwargs) if out is None else along(input, *args, out=out, **kwargs)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = (
        f"{name}(input), {name}(input, dim, keepdim=False) or {name}(input, other): of all elements (equal ones share "
        "the gradient), along a dimension with indices (the first of equal ones takes it), or of two tensors."
    )
    return extreme


max = _extreme("max")
min = _extreme("min")
