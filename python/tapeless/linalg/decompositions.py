# Functions of torch.linalg that decompose: named results over the core's operations, and the pseudo-inverse.
"""Decompositions of matrices."""

from typing import Any

import tapeless
from tapeless import _core, return_types
from tapeless._core import Tensor
from tapeless.linalg.solutions import named, tolerance

__all__ = ["eigh", "eigvalsh", "lu", "pinv", "qr", "svd", "svdvals"]

_f = _core.functions


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """Q with orthonormal columns and an upper triangular R with Q R = A; no Q with mode "r".

    Derivative: (gQ + Q B) R^-H, B the Hermitian matrix with the upper triangle of gR R^H - Q^H gQ.
    """
    return named(return_types.linalg_qr, _f["_linalg_qr"](A, mode), out)


def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """P, L and U with P L U = A. Derivative: P L^-H (tril(L^H gL, -1) + triu(gU U^H)) U^-H of a square A."""
    return named(return_types.linalg_lu, _f["_linalg_lu"](A, pivot=pivot), out)


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices, of which one triangle is read.

    Derivative: V (diag(gL) + (V^H gV) / (L_j - L_i)) V^H.
    """
    return named(return_types.linalg_eigh, _f["_linalg_eigh"](A, UPLO), out)


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Tensor:
    """The eigenvalues of Hermitian matrices, ascending. Derivative: V diag(g) V^H."""
    values = _f["_linalg_eigh"](A, UPLO, False)[0]
    if out is None:
        return values
    _core._write_out(out, values)
    return out


def svd(A: Tensor, full_matrices: bool = True, *, driver: Any = None, out: Any = None) -> Any:
    """U, S and V^H with U diag(S) V^H = A, S descending; all of U and V or what belongs to S.

    Derivative: that of S is U diag(gS) V^H; that of vectors divides by differences of squared singular values.
    """
    _refuse_driver(driver)
    return named(return_types.linalg_svd, _f["_linalg_svd"](A, full_matrices), out)


def svdvals(A: Tensor, *, driver: Any = None, out: Any = None) -> Tensor:
    """The singular values, descending. Derivative: U diag(g) V^H."""
    _refuse_driver(driver)
    values = _f["_linalg_svd"](A, False, False)[1]
    if out is None:
        return values
    _core._write_out(out, values)
    return out


def _refuse_driver(driver: Any) -> None:
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs.")


def _inverted(A: Tensor, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
    """The values of the pseudo-inverse."""
    if hermitian:
        values, vectors = _f["_linalg_eigh"](A, "L")
        left, right = vectors, vectors.mH
    else:
        u, values, vh = _f["_linalg_svd"](A, False)
        left, right = vh.mH, u.mH
    sizes = values.abs()
    least = tolerance(A, sizes.amax(-1), atol, rtol).unsqueeze(-1)
    inverse = tapeless.where(sizes > least, values.reciprocal(), 0.0)
    return tapeless.matmul(left * inverse.unsqueeze(-2), right)


def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None, out: Any = None
) -> Tensor:
    """The pseudo-inverse: singular values up to a tolerance count as 0 (atol, or rtol times the largest).

    Derivative: Golub's and Pereyra's, by products of A, its pseudo-inverse and g.
    """
    if A.dim() < 2:
        raise RuntimeError("linalg.pinv: The input tensor A must have at least 2 dimensions.")
    rtol = rcond if rtol is None else rtol
    if A.numel() == 0:
        result = A.new_empty((*A.shape[:-2], A.shape[-1], A.shape[-2]))
    else:
        with tapeless.no_grad():
            result = _inverted(A.detach(), atol, rtol, hermitian)
    result = _f["_linalg_pinv"](A, result)
    if out is None:
        return result
    _core._write_out(out, result)
    return out
