# Linear algebra in the main namespace: older names and forms of what torch.linalg has.
"""Decompositions, determinants and solutions outside of torch.linalg."""

import math
from typing import Any

import tapeless
from tapeless import _core, return_types
from tapeless._core import Tensor
from tapeless.composition import autocasts

__all__ = ["logdet", "lu", "lu_solve", "pinverse", "qr", "slogdet", "svd", "triangular_solve"]
METHODS = tuple(__all__)

_f = _core.functions


def _named(kind: Any, values: Any, out: Any) -> Any:
    from tapeless.linalg.solutions import named

    return named(kind, values, out)


def logdet(input: Tensor) -> Tensor:
    """The logarithm of each determinant, NaN for negative ones. Derivative: g A^-H."""
    if not (input.is_floating_point() or input.is_complex()):
        kind = input.type().removeprefix("torch.").removesuffix("Tensor")
        raise RuntimeError(f"logdet: Expected a floating point or complex tensor as input. Got {kind}")
    sign, logarithm = _f["_slogdet"](input)
    if input.is_complex():
        return sign.log() + logarithm
    return tapeless.where(sign == -1.0, math.nan, logarithm)


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """The LU factors in one matrix and the exchanges of rows, with LAPACK's info if get_infos.

    Derivative: that of linalg.lu_factor_ex.
    """
    values = _f["_linalg_lu_factor_ex"](A, pivot=pivot, check_errors=not get_infos)
    if get_infos and out is None:
        return return_types._lu_with_info(*values)
    values = tuple(values) if get_infos else tuple(values[:2])
    return values if out is None else tuple(_named(lambda *x: x, values, out))


@autocasts("float32")
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Any = None) -> Tensor:
    """X of A X = b by A's LU factors. Derivative: that of linalg.lu_solve."""
    return tapeless.linalg.lu_solve(LU_data, LU_pivots, b, out=out)


def slogdet(input: Tensor, *, out: Any = None) -> Any:
    """The sign (of size 1) and the logarithm of the size of each determinant. Derivative: A^-H times g."""
    return _named(return_types.slogdet, _f["_slogdet"](input), out)


@autocasts("float32")
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse; singular values up to rcond times the largest count as 0.

    Derivative: that of linalg.pinv.
    """
    return tapeless.linalg.pinv(input, rcond)


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """Q and R with Q R = input, or with all columns of Q. Derivative: that of linalg.qr."""
    return _named(return_types.qr, _f["_linalg_qr"](input, "reduced" if some else "complete"), out)


def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """U, S and V with U diag(S) V^H = input; zeros for U and V if they are not wanted.

    Derivative: that of linalg.svd.
    """
    if input.dim() < 2:
        raise RuntimeError("linalg.svd: The input tensor A must have at least 2 dimensions.")
    if compute_uv:
        u, s, vh = _f["_linalg_svd"](input, not some)
        v = vh.mH
    else:
        s = _f["_linalg_svd"](input, False, False)[1]
        *batch, m, n = input.shape
        u, v = input.new_zeros((*batch, m, m)), input.new_zeros((*batch, n, n))
    return _named(return_types.svd, (u, s, v), out)


def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """X of A X = input for a triangular A, or of A^T X = input, and a copy of A.

    Derivative: that of linalg.solve_triangular.
    """
    values = _f["_triangular_solve"](input, A, upper, transpose, unitriangular)
    return _named(return_types.triangular_solve, values, out)
