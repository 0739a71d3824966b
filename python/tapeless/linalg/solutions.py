# Functions of torch.linalg that solve, invert and measure: named results and what is made of other functions.
"""Solutions, inverses, determinants, ranks and conditions of matrices."""

from typing import Any

import tapeless
from tapeless import _core, return_types
from tapeless._core import Tensor
from tapeless.composition import composition

__all__ = [
    "cholesky_ex",
    "cond",
    "inv_ex",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matrix_rank",
    "slogdet",
    "solve_ex",
]

_f = _core.functions


def named(kind: Any, values: Any, out: Any) -> Any:
    """A named result, written into the tensors of `out` if they are given."""
    if out is None:
        return kind(*values)
    for into, value in zip(out, values, strict=True):
        _core._write_out(into, value)
    return kind(*out)


def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """Cholesky's factor, and for each matrix 0 or the order of the minor that is not positive.

    Derivative: that of linalg.cholesky.
    """
    return named(
        return_types.linalg_cholesky_ex, _f["_linalg_cholesky_ex"](input, upper=upper, check_errors=check_errors), out
    )


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """The inverse, and for each matrix 0 or the number of the pivot that is 0. Derivative: that of linalg.inv."""
    return named(return_types.linalg_inv_ex, _f["_linalg_inv_ex"](A, check_errors=check_errors), out)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """The solution, and for each matrix 0 or the number of the pivot that is 0. Derivative: that of linalg.solve."""
    return named(return_types.linalg_solve_ex, _f["_linalg_solve_ex"](A, B, left=left, check_errors=check_errors), out)


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """L and U in one matrix, the exchanges of rows, and for each matrix 0 or the number of the pivot that is 0.

    Derivative: P L^-H (tril(L^H g, -1) + triu(g U^H)) U^-H, of square matrices.
    """
    return named(
        return_types.linalg_lu_factor_ex, _f["_linalg_lu_factor_ex"](A, pivot=pivot, check_errors=check_errors), out
    )


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """L and U in one matrix, and the exchanges of rows. Derivative: that of lu_factor_ex."""
    factors, pivots, _ = _f["_linalg_lu_factor_ex"](A, pivot=pivot, check_errors=True)
    return named(return_types.linalg_lu_factor, (factors, pivots), out)


@composition("linalg_lu_solve", saves=("LU", "pivots", "result"))
def _lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, left: bool, adjoint: bool) -> Tensor:
    p, triangular = _f["_lu_permutation"](LU, pivots), _f["linalg_solve_triangular"]
    if left and not adjoint:
        first = triangular(LU, p.mT @ B, upper=False, unitriangular=True)
        return triangular(LU, first, upper=True)
    if not left and adjoint:  # X A^H = B is A X^H = B^H.
        first = triangular(LU, p.mT @ B.mH, upper=False, unitriangular=True)
        return triangular(LU, first, upper=True).mH.clone()
    # A^H X = B, or X A = B, which is A^T X^T = B^T.
    turned, right = (LU.mH, B) if left else (LU.mT, B.mT)
    second = triangular(turned, triangular(turned, right, upper=False), upper=True, unitriangular=True)
    return (second.mT @ p.mT).mT.clone() if left else second.mT @ p.mT


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Any = None
) -> Tensor:
    """X of A X = B by A's LU factors; of X A = B if not left; with A^H for A if adjoint.

    Derivative: that of the triangular solutions that it is made of.
    """
    if LU.dim() < 2 or LU.shape[-1] != LU.shape[-2]:
        words = (
            "must have at least 2 dimensions."
            if LU.dim() < 2
            else (f"must be batches of square matrices, but they are {LU.shape[-2]} by {LU.shape[-1]} matrices")
        )
        raise RuntimeError(f"linalg.lu_solve: {'The input tensor A' if LU.dim() < 2 else 'A'} {words}")
    order = B.shape[-2] if left else B.shape[-1]
    if order != LU.shape[-1]:
        form = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"linalg.lu_solve: Incompatible shapes of A and B for the equation {form} "
            f"({LU.shape[-2]}x{LU.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})"
        )
    result = _lu_solve(LU, pivots, B, left, adjoint)
    if out is None:
        return result
    _core._write_out(out, result)
    return out


def slogdet(A: Tensor, *, out: Any = None) -> Any:
    """The sign (of size 1) and the logarithm of the size of each determinant. Derivative: A^-H times g."""
    return named(return_types.linalg_slogdet, _f["_slogdet"](A), out)


def _magnitudes(input: Tensor, hermitian: bool) -> Tensor:
    """Singular values, by eigenvalues if the matrices are Hermitian."""
    if hermitian:
        return _f["_linalg_eigh"](input, "L", False)[0].abs()
    return _f["_linalg_svd"](input, False, False)[1]


def tolerance(input: Tensor, largest: Tensor, atol: Any, rtol: Any) -> Tensor:
    """What singular values up to which count as 0: atol or rtol times the largest, whichever is more."""
    if rtol is None:
        given = atol is not None
        default = max(input.shape[-2:]) * tapeless.finfo(input.dtype).eps
        if isinstance(atol, Tensor):
            rtol = tapeless.where(atol > 0, 0.0, default)
        else:
            rtol = 0.0 if given and atol > 0 else default
    return tapeless.maximum(
        *(
            x if isinstance(x, Tensor) else tapeless.full_like(largest, x)
            for x in (0.0 if atol is None else atol, rtol * largest)
        )
    )


def matrix_rank(
    input: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None, out: Any = None
) -> Tensor:
    """How many singular values exceed a tolerance: tol, or the larger of atol and rtol times the largest.

    No derivative.
    """
    if input.dim() < 2:
        raise RuntimeError("torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions.")
    with tapeless.no_grad():
        values = _magnitudes(input.detach(), hermitian)
        if values.shape[-1] == 0:
            count = tapeless.zeros(input.shape[:-2], dtype=tapeless.int64)
        else:
            largest = values.amax(-1)
            least = tolerance(input, largest, atol, rtol) if tol is None else tol
            least = least.unsqueeze(-1) if isinstance(least, Tensor) and least.dim() else least
            count = (values > least).sum(-1)
    if out is None:
        return count
    _core._write_out(out, count)
    return out


def cond(input: Tensor, p: Any = None, *, out: Any = None) -> Tensor:
    """The condition number: of singular values the largest over the smallest (p None or 2; -2 the inverse).

    With another p the norm of A times that of its inverse. Derivative: that of what it is made of.
    """
    if input.dim() < 2:
        raise RuntimeError("linalg.cond: The input tensor A must have at least 2 dimensions.")
    if p is None or p in (2, -2):
        values = _f["_linalg_svd"](input, False, False)[1]
        first, last = values.narrow(-1, 0, 1), values.narrow(-1, values.shape[-1] - 1, 1)
        result = (last / first if p == -2 else first / last).squeeze(-1)
    else:
        result = tapeless.linalg.matrix_norm(input, p) * tapeless.linalg.matrix_norm(_f["linalg_inv"](input), p)
    if out is None:
        return result
    _core._write_out(out, result)
    return out
