# Choosing and placing by condition or index, in their several forms.
"""Overloads of `where`, `nonzero` and `scatter`."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "argwhere",
    "nonzero",
    "scatter",
    "where",
]
METHODS = ("argwhere", "nonzero", "scatter", "scatter_")

_f = _core.functions


def where(condition: Tensor, *args: Any, **kwargs: Any) -> Any:
    """From input where the condition holds, else from other; with the condition alone, its nonzero indices."""
    if not args and not kwargs:
        return nonzero(condition, as_tuple=True)
    return _f["where"](condition, *args, **kwargs)


def nonzero(input: Tensor, *, out: Any = None, as_tuple: bool = False) -> Any:
    """The coordinates of the elements that are not zero: (count, rank), or a tuple of columns."""
    if as_tuple:
        return _f["_nonzero"](input if input.dim() else input.reshape(1)).unbind(1)
    return _f["_nonzero"](input, out=out)


def argwhere(input: Tensor) -> Tensor:
    """The coordinates of the elements that are not zero, one row for each."""
    return _f["_nonzero"](input)


def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """input with values (a tensor's or one number) put where index says along dim."""
    return _f["_scatter"](input, dim, index, value if src is None else src, reduce=reduce)


def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """scatter in place."""
    return _f["_scatter_"](self, dim, index, value if src is None else src, reduce=reduce)
