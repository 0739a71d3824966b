# Grids, combinations and triangles: what is laid out over several dimensions.
"""Operations that spread vectors over grids, and matrices made of blocks."""

from typing import Any

import tapeless
from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "block_diag",
    "cartesian_prod",
    "combinations",
    "meshgrid",
    "tril_indices",
    "triu_indices",
    "vander",
]
METHODS = ()

_f = _core.functions


def _listed(tensors: Any) -> list[Any]:
    """The tensors of a call that takes them one by one or as one list."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return list(tensors[0])
    return list(tensors)


def block_diag(*tensors: Any) -> Tensor:
    """The matrix with the given ones along its diagonal and zeros elsewhere; vectors are rows.

    Derivative: each takes its block of g.
    """
    return _f["_block_diag"](tensors)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Views of vectors over the grid that they span: vector k runs along dimension k.

    With indexing="xy" the first vector runs along dimension 1, and the second along dimension 0.
    Derivative: the sum of g over the other dimensions.
    """
    vectors = _listed(tensors)
    if not vectors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for x in vectors:
        if not isinstance(x, Tensor):
            raise TypeError(f"meshgrid(): argument 'tensors' must be tuple of Tensors, not {type(x).__name__}")
        if x.dim() > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x}")
        if x.dtype != vectors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
        if x.device != vectors[0].device:
            raise RuntimeError("meshgrid expects all tensors to have the same device")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    swaps = indexing == "xy" and len(vectors) > 1
    if swaps:
        vectors[0], vectors[1] = vectors[1], vectors[0]
    rank, shape = len(vectors), [x.numel() for x in vectors]
    grids = [x.view(*[1] * k, -1, *[1] * (rank - k - 1)).expand(shape) for k, x in enumerate(vectors)]
    if swaps:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All tuples of one element of each vector, as rows; of one vector, the vector itself.

    Derivative: the sum of g over the rows that an element is in.
    """
    vectors = _listed(tensors)
    for x in vectors:
        if x.dim() != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if len(vectors) == 1:
        return vectors[0]
    return _f["stack"]([grid.reshape(-1) for grid in meshgrid(vectors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, in their order, as rows; with replacement, an element several times.

    Derivative: the sum of g over the rows that an element is in.
    """
    if input.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return tapeless.empty(0, dtype=input.dtype, device=input.device)
    places = meshgrid([tapeless.arange(input.numel(), device=input.device)] * r)
    kept = tapeless.ones([input.numel()] * r, dtype=tapeless.bool, device=input.device)
    for a, b in zip(places, places[1:], strict=False):
        kept = kept & (a <= b if with_replacement else a < b)
    return _f["stack"]([grid[kept] for grid in meshgrid([input] * r)], 1)


def _triangle(lower: bool, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    dtype = tapeless.int64 if dtype is None else dtype
    device = tapeless.get_default_device() if device is None else tapeless.device(device)
    return _f["_triangle_indices"](lower, row, col, offset, dtype, device)


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Rows and columns, (2, count), of the elements of a (row, col) matrix that tril keeps. No derivative."""
    return _triangle(True, row, col, offset, dtype, device)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Rows and columns, (2, count), of the elements of a (row, col) matrix that triu keeps. No derivative."""
    return _triangle(False, row, col, offset, dtype, device)


def powers(x: Tensor, count: int) -> Tensor:
    """x ** 0 to x ** (count - 1) along a new last dimension, by repeated products."""
    one = tapeless.ones((*x.shape, 1), dtype=x.dtype, device=x.device)
    if count < 2:
        return one[..., :count]
    steps = x.unsqueeze(-1).expand(*x.shape, count - 1)
    return _f["cat"]([one, steps.cumprod(-1)], -1)


def vander(x: Tensor, N: Any = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements, a row for each: falling ones, or rising ones if `increasing`.

    N: how many, the vector's length if None. Derivative: that of the powers.
    """
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.numel() if N is None else N
    if count < 0:
        raise RuntimeError(f"N must be non-negative, but got {count}")
    x = x if x.is_floating_point() or x.is_complex() else x.long()
    rising = powers(x, count)
    return rising if increasing else _f["flip"](rising, (1,))
