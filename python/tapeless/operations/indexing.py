# Choosing and placing by condition or index, in their several forms.
"""Overloads of `where`, `nonzero` and `scatter`, and indexing that is written with other operations."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import composition
from tapeless.operations.shape import broadcast_shapes

__all__ = [
    "_unsafe_masked_index",
    "_unsafe_masked_index_put_accumulate",
    "argwhere",
    "index_put_",
    "nonzero",
    "nonzero_static",
    "scatter",
    "take_along_dim",
    "where",
]
METHODS = ("argwhere", "nonzero", "nonzero_static", "scatter", "scatter_", "take_along_dim")

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


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Any = None) -> Tensor:
    """The first `size` rows of nonzero(input), filled up with rows of fill_value. No derivative."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, but got {size}")
    found = _f["_nonzero"](input)[:size]
    rest = found.new_full((size - len(found), found.shape[1]), fill_value)
    return _f["cat"]([found, rest], 0, out=out)


def argwhere(input: Tensor) -> Tensor:
    """The coordinates of the elements that are not zero, one row for each."""
    return _f["_nonzero"](input)


def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None, out: Any = None
) -> Tensor:
    """input with values (a tensor's or one number) put where index says along dim."""
    return _f["_scatter"](input, dim, index, value if src is None else src, reduce=reduce, out=out)


def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """scatter in place."""
    return _f["_scatter_"](self, dim, index, value if src is None else src, reduce=reduce)


def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Tensor.index_put_ as a function: writes values into input[indices], or adds them."""
    return input.index_put_(indices, values, accumulate)


def take_along_dim(input: Tensor, indices: Tensor, dim: Any = None, *, out: Any = None) -> Tensor:
    """The elements of input that int64 indices name along dim (None: in row-major order), as argsort gives them.

    The other dimensions broadcast. Derivative: that of gather, g added to where its elements came from.
    """
    if indices.dtype is not _core.int64:
        name = str(indices.dtype).removeprefix("torch.").capitalize()
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {name}")
    if dim is None:
        return _f["gather"](input.reshape(-1), 0, indices.reshape(-1), out=out)
    if input.dim() != indices.dim():
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.dim()} dimensions for input, and {indices.dim()} dimensions for indices"
        )
    if not -max(input.dim(), 1) <= dim < max(input.dim(), 1):
        raise IndexError(f"torch.take_along_dim(): dim {dim} is out of range for {input.dim()} dimensions")
    dim %= max(input.dim(), 1)
    shape = broadcast_shapes(_without(input.shape, dim), _without(indices.shape, dim))

    def spread(x: Tensor) -> Tensor:
        return x.expand((*shape[:dim], *x.shape[dim : dim + 1], *shape[dim + 1 :]))

    indices = _from_the_start(indices, input.shape[dim] if input.dim() else 1)
    return _f["gather"](spread(input), dim, spread(indices), out=out)


def _without(shape: Any, dim: int) -> tuple[int, ...]:
    return tuple(1 if at == dim else size for at, size in enumerate(shape))


def _from_the_start(indices: Tensor, size: int) -> Tensor:
    return _f["where"](indices < 0, indices + size, indices)


def _within(input: Tensor, indices: Any) -> list[Any]:
    """The indices, those out of range moved to the nearest end."""
    return [
        None if index is None else index.clamp(-size, size - 1)
        for index, size in zip(indices, input.shape, strict=False)
    ]


@composition("unsafe_masked_index")
def _unsafe_masked_index(input: Tensor, mask: Tensor, indices: Any, fill: Any) -> Tensor:
    """input[indices] with `fill` where the mask does not hold, where indices may be out of range.

    Derivative: g, 0 where it was filled, added to where its elements came from.
    """
    found = _f["_index"](input, _within(input, indices))
    return found.masked_fill(~mask, fill)


@composition("unsafe_masked_index_put_accumulate")
def _unsafe_masked_index_put_accumulate(input: Tensor, mask: Tensor, indices: Any, values: Tensor) -> Tensor:
    """The input with values added at the indices where the mask holds. Derivatives: g, and g at the indices."""
    return input.index_put(_within(input, indices), values.masked_fill(~mask, 0), True)
