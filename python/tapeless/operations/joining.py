# Tensors joined along a dimension: stacks, and the other names of cat.
"""Joining by shape."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.operations.shape import atleast_1d, atleast_2d, atleast_3d

__all__ = [
    "column_stack",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "row_stack",
    "vstack",
]
METHODS = ()

_f = _core.functions


concat = concatenate = _f["cat"]


def _joined(name: str, tensors: Any, shaped: Any, dim: int, out: Any) -> Tensor:
    tensors = list(tensors) if isinstance(tensors, (list, tuple)) else tensors
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return _f["cat"]([shaped(t) for t in tensors], dim, out=out)


def vstack(tensors: Any, *, out: Any = None) -> Tensor:
    """The tensors, rows at least, one below the other."""
    return _joined("vstack", tensors, atleast_2d, 0, out)


def hstack(tensors: Any, *, out: Any = None) -> Tensor:
    """The tensors side by side: along columns, or end to end if the first is a vector."""
    along = 0 if tensors and atleast_1d(tensors[0]).dim() == 1 else 1
    return _joined("hstack", tensors, atleast_1d, along, out)


def dstack(tensors: Any, *, out: Any = None) -> Tensor:
    """The tensors one behind the other, along the third dimension."""
    return _joined("dstack", tensors, atleast_3d, 2, out)


def column_stack(tensors: Any, *, out: Any = None) -> Tensor:
    """Vectors as columns, and matrices, side by side."""
    return _joined("column_stack", tensors, lambda t: t.reshape(t.numel(), 1) if t.dim() < 2 else t, 1, out)


row_stack = vstack
