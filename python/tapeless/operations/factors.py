# Linear algebra in the main namespace beyond linalg's: reflectors, unpacked factors, approximations of low rank.
"""`geqrf`, `orgqr`, `ormqr`, `lu_unpack`, `svd_lowrank`, `pca_lowrank`; and names that PyTorch has removed."""

from typing import Any

import tapeless
from tapeless import _core, return_types
from tapeless._arguments import into_out
from tapeless._core import Tensor
from tapeless.composition import autocasts, composition

__all__ = [
    "eig", "geqrf", "lstsq", "lu_unpack", "matrix_rank", "orgqr", "ormqr", "pca_lowrank", "solve", "svd_lowrank",
    "symeig",
]  # fmt: skip
METHODS = ("eig", "geqrf", "lstsq", "orgqr", "ormqr", "solve", "symeig")

_f = _core.functions


@autocasts("float32")
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """R on and above the diagonal and Householder's reflectors below it, and their factors. No derivative."""
    from tapeless.linalg.solutions import named

    return named(return_types.geqrf, _f["_geqrf"](input), out)


def orgqr(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of Q from its reflectors. Derivative: that of linalg.householder_product."""
    return tapeless.linalg.householder_product(input, tau)


@composition("ormqr", saves=("self", "tau", "other", "result"))
def _recorded(input: Tensor, tau: Tensor, other: Tensor, left: bool, transpose: bool) -> Tensor:
    from tapeless.linalg.factors import by_columns, reflected

    if left:
        out = reflected(input, tau, other, forward=transpose, adjoint=transpose)
    else:  # other Q = (Q^H other^H)^H
        out = reflected(input, tau, other.mH, forward=not transpose, adjoint=not transpose).mH
    return by_columns(out)


@autocasts("float32")
def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out: Any = None
) -> Tensor:
    """Q other, or other Q if not left, of Q from its reflectors, all of it; of Q^H if transpose.

    Derivative: that of the reflections.
    """
    size = other.shape[-2 if left else -1]
    if input.shape[-2] != size:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2], but they are {size} "
            f"and {input.shape[-2]}"
        )
    if tau.shape[-1] > input.shape[-1]:
        raise RuntimeError("torch.ormqr: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if tau.shape[-1] > size:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{-2 if left else -1}] must be greater than or equal to tau.shape[-1]"
        )
    from tapeless.linalg.factors import tracked

    result = (_recorded if tracked(input, tau, other) else _f["_ormqr"])(input, tau, other, left, transpose)
    return into_out("ormqr", out, result)


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Any:
    """P, L and U from what lu_factor returns; what is not wanted is empty. Derivative: the triangles of gL and gU."""
    from tapeless.linalg.solutions import named

    if unpack_pivots and LU_pivots.dtype is not tapeless.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
            "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    permutation, lower, upper = (LU_data.new_empty(0) for _ in range(3))
    if unpack_pivots:
        permutation = _f["_lu_permutation"](LU_data, LU_pivots)
    if unpack_data:
        lower, upper = _f["_lu_unpack"](LU_data)
    return named(return_types.lu_unpack, (permutation, lower, upper), out)


def _range(A: Tensor, q: int, niter: int, M: Any) -> Tensor:
    """Orthonormal columns that nearly span what A - M maps to (Halko, Martinsson and Tropp 2009, algorithm 4.4)."""

    def times(x: Tensor, adjoint: bool = False) -> Tensor:
        out = (A.mH if adjoint else A) @ x
        return out if M is None else out - (M.mH if adjoint else M) @ x

    q_of = tapeless.linalg.qr
    basis = q_of(times(tapeless.randn(A.shape[-1], q, dtype=A.dtype)))[0]
    for _ in range(niter):
        basis = q_of(times(basis, adjoint=True))[0]
        basis = q_of(times(basis))[0]
    return basis


def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Any = None) -> tuple[Tensor, Tensor, Tensor]:
    """U, S and V of an approximation of A - M of rank q, by random projections (Halko et al. 2009, algorithm 5.1).

    Derivative: that of the products and decompositions that it is made of.
    """
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    M = M if M is None else M.broadcast_to(A.shape)
    wide = A.shape[-2] < A.shape[-1]
    if wide:
        A, M = A.mH, M if M is None else M.mH
    basis = _range(A, q, niter, M)
    small = basis.mH @ A
    small = small if M is None else small - basis.mH @ M
    u, s, vh = tapeless.linalg.svd(small, full_matrices=False)
    u, v = basis @ u, vh.mH
    return (v, s, u) if wide else (u, s, v)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """U, S and V of the q principal components of rows, less their mean if center. Derivative: that of svd_lowrank."""
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter=niter)


# --- removed from PyTorch ---


def _removed(name: str, words: str) -> Any:
    def removed(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"This function was deprecated since version 1.9 and is now removed. {words}")

    removed.__name__ = removed.__qualname__ = name
    removed.__doc__ = f"Removed from PyTorch: RuntimeError. {words}"
    return removed


eig = _removed(
    "eig", "`torch.linalg.eig` returns complex tensors of dtype `cfloat` or `cdouble` rather than pairs of real ones."
)
lstsq = _removed(
    "lstsq", "`torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`, whose arguments are the other way round."
)
matrix_rank = _removed(
    "matrix_rank", "Please use the `torch.linalg.matrix_rank` function instead; 'symmetric' is 'hermitian' there."
)
solve = _removed(
    "solve", "`torch.solve` is deprecated in favor of `torch.linalg.solve`, whose arguments are the other way round."
)
symeig = _removed(
    "symeig", "Use torch.linalg.eigvalsh or torch.linalg.eigh, which read the lower triangle unless UPLO='U'."
)
