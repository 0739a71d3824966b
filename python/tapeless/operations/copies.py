# Copies of views whose forms need more than one call: several pieces, and other dtypes.
"""The `*_copy` operations that return several tensors, or take several kinds of arguments."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.operations.splitting import piece_sizes, sections_of

__all__ = [
    "split_copy",
    "split_with_sizes_copy",
    "unbind_copy",
    "view_copy",
]
METHODS = ()

_f = _core.functions


def _placed(pieces: tuple[Tensor, ...], out: Any) -> Any:
    """The pieces, or nothing once they are written into the tensors of out=."""
    if out is None:
        return pieces
    if len(out) != len(pieces):
        raise RuntimeError(f"out= holds {len(out)} tensors, but there are {len(pieces)} pieces; give one for each")
    for target, piece in zip(out, pieces, strict=True):
        _core._write_out(target, piece)
    return None


def unbind_copy(input: Tensor, dim: int = 0, *, out: Any = None) -> Any:
    """Copies of the slices at every index of a dimension. Derivative: that of unbind."""
    return _placed(_f["_unbind_copy"](input, dim), out)


def split_copy(input: Tensor, split_size: int, dim: int = 0, *, out: Any = None) -> Any:
    """Copies of pieces of one size (the last may be smaller) along a dimension. Derivative: that of split."""
    return _placed(_f["_split_copy"](input, piece_sizes(input.size(dim), split_size), dim), out)


def split_with_sizes_copy(input: Tensor, split_sizes: Any, dim: int = 0, *, out: Any = None) -> Any:
    """Copies of pieces of the listed sizes along a dimension. Derivative: that of split_with_sizes."""
    return _placed(_f["_split_with_sizes_copy"](input, sections_of(input.size(dim), split_sizes, dim), dim), out)


def view_copy(input: Tensor, size: Any = None, *, dtype: Any = None, out: Any = None) -> Tensor:
    """A row-major copy with other sizes, or of the same bytes as another dtype. Derivative: that of view."""
    if isinstance(size, _core.dtype):
        dtype = size
    if dtype is None:
        return _f["_view_copy"](input, size, out=out)
    copy = _core._view_dtype(input, dtype).clone()
    if out is None:
        return copy
    _core._write_out(out, copy)
    return out
