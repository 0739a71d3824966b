# Norms of vectors and matrices.
"""`vector_norm`, `matrix_norm` and `norm`, which chooses between them."""

import importlib
from typing import Any

from tapeless import _core
from tapeless._arguments import accepts_numpy_names, into_out
from tapeless._core import Tensor

__all__ = [
    "matrix_norm",
    "norm",
    "vector_norm",
]

_f = _core.functions
_inf = float("inf")


def vector_norm(input: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, **options: Any) -> Tensor:
    """vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None)"""
    return _f["_vector_norm"](input, ord, dim, keepdim, **options)


vector_norm = accepts_numpy_names(vector_norm)
vector_norm.__doc__ += ": " + _f["_vector_norm"].__doc__.partition("\n")[2].strip()


def _pair(A: Tensor, dim: Any) -> tuple[int, int]:
    if A.dim() < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    rank = A.dim()
    for d in dim:
        if not -rank <= d < rank:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {d})")
    rows, columns = (d % rank for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if not (A.is_floating_point() or A.is_complex()):
        raise RuntimeError(
            "linalg.matrix_norm: Expected a floating point or complex tensor as input. Got "
            f"{A.type().removeprefix('torch.').removesuffix('Tensor')}; convert first, for example with A.float()"
        )
    return rows, columns


def _singular_values(A: Tensor, rows: int, columns: int, ord: Any) -> Tensor:
    linalg = importlib.import_module("tapeless.linalg")
    if not hasattr(linalg, "svdvals"):
        raise NotImplementedError(
            f"linalg.matrix_norm: order {ord} needs singular values, which tapeless.linalg does not compute; the "
            "orders 'fro', 1, -1, inf and -inf need none"
        )
    others = [d for d in range(A.dim()) if d not in (rows, columns)]
    return linalg.svdvals(A.permute([*others, rows, columns]))


def _by_singular_values(A: Tensor, ord: Any, rows: int, columns: int, keepdim: bool) -> Tensor:
    values = _singular_values(A, rows, columns, ord)
    if ord == "nuc":
        result = values.sum(-1, keepdim)
    else:
        result = (values.amax if ord > 0 else values.amin)(-1, keepdim)
    if not keepdim:
        return result
    order = [d for d in range(A.dim()) if d not in (rows, columns)] + [rows, columns]
    return result.unsqueeze(-1).permute([order.index(d) for d in range(A.dim())])


def _matrix_norm(A: Tensor, ord: Any, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    rows, columns = _pair(A, dim)
    if ord not in (("fro", "nuc") if isinstance(ord, str) else (1, -1, 2, -2, _inf, -_inf)):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim, dtype=dtype)
    if ord == "nuc" or abs(ord) == 2:
        return _by_singular_values(A if dtype is None else A.to(dtype), ord, rows, columns, keepdim)
    if abs(ord) == _inf:
        rows, columns = columns, rows
    sums = vector_norm(A, 1, (rows,), keepdim, dtype=dtype)
    if columns > rows and not keepdim:
        columns -= 1
    return (sums.amax if ord > 0 else sums.amin)(columns, keepdim)


@accepts_numpy_names
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None, out: Any = None
) -> Tensor:
    """The norm of matrices: 'fro', the largest or smallest (negative) sum of columns (1) or rows (inf), or of singular
    values 'nuc', 2, -2.

    Derivative: that of the vector norms and extremes it is made of.
    """
    return into_out("linalg.matrix_norm", out, _matrix_norm(A, ord, dim, keepdim, dtype))


@accepts_numpy_names
def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None
) -> Tensor:
    """A matrix norm over two dimensions, a vector norm over one, or of all elements if neither ord nor dim is given.

    Derivative: that of vector_norm or matrix_norm.
    """
    dims = (dim,) if isinstance(dim, int) else dim
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}; "
            "linalg.vector_norm takes any number"
        )
    if dims is None and ord is not None and A.dim() not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.dim()}D."
        )
    if isinstance(ord, str):
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype, out=out)
    matrix = A.dim() == 2 if dims is None else len(dims) == 2
    if ord is not None and matrix:
        return matrix_norm(A, ord, (0, 1) if dims is None else dims, keepdim, dtype=dtype, out=out)
    return vector_norm(A, 2 if ord is None else ord, dims, keepdim, dtype=dtype, out=out)
