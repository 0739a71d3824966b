# Functions of torch.linalg on general and symmetric matrices: eigenvalues, reflectors, LDL^T, least squares, tensors.
"""Eigenvalues of any matrices, Householder's reflectors, symmetric factors, least squares, inverses of tensors."""

import math
from typing import Any

import tapeless
from tapeless import _core, return_types
from tapeless._arguments import into_out
from tapeless._core import Tensor
from tapeless.composition import autocasts, composition
from tapeless.linalg.solutions import named

__all__ = [
    "eig", "eigvals", "householder_product", "ldl_factor", "ldl_factor_ex", "lstsq", "tensorinv", "tensorsolve",
]  # fmt: skip

_f = _core.functions


def eig(A: Tensor, *, out: Any = None) -> Any:
    """Eigenvalues, in no order, and eigenvectors of length 1 of square matrices; both are complex.

    Derivative: V^-H (diag(gL) + (V^H gV - V^H V diag(V^H gV)) / conj(L_j - L_i)) V^H.
    """
    return named(return_types.linalg_eig, _f["_linalg_eig"](A), out)


def eigvals(A: Tensor, *, out: Any = None) -> Tensor:
    """The eigenvalues of square matrices, in no order. Derivative: V^-H diag(g) V^H."""
    return into_out("linalg_eigvals", out, _f["_linalg_eig"](A, False)[0])


def tracked(*operands: Tensor) -> bool:
    """Whether a derivative may be asked for: by the graph, or by a transform of functions."""
    return _core._open_levels() > 0 or (_core.is_grad_enabled() and any(x.requires_grad for x in operands))


# --- reflectors ---


def reflected(reflectors: Tensor, tau: Tensor, x: Tensor, forward: bool, adjoint: bool = False) -> Tensor:
    """x after each reflection 1 - tau v v^H in turn: the first one first if `forward`."""
    count = tau.shape[-1]
    for i in range(count) if forward else reversed(range(count)):
        below = reflectors[..., i + 1 :, i : i + 1]
        v = tapeless.cat([tapeless.ones_like(reflectors[..., :1, :1]), below], -2)
        factor = tau[..., i : i + 1].unsqueeze(-1)
        rows = x[..., i:, :]
        rows = rows - (factor.conj() if adjoint else factor) * v * (v.mH @ rows)
        x = tapeless.cat([x[..., :i, :], rows], -2) if i else rows
    return x


def by_columns(x: Tensor) -> Tensor:
    """A copy whose matrices lie by columns, as LAPACK's results do."""
    return x.mT.contiguous().mT.clone()


@composition("linalg_householder_product", saves=("input", "tau", "result"))
def _product(input: Tensor, tau: Tensor) -> Tensor:
    m, n = input.shape[-2:]
    start = tapeless.eye(m, n, dtype=input.dtype).expand(input.shape)
    return by_columns(reflected(input, tau, start, forward=False))


def _check_reflectors(name: str, A: Tensor, tau: Tensor) -> None:
    if A.dim() < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if A.shape[-2] < A.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if A.shape[-1] < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if A.dim() - tau.dim() != 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.dim()} and "
            f"input.ndim is equal to {A.dim()}"
        )
    if tuple(tau.shape[:-1]) != tuple(A.shape[:-2]):
        raise RuntimeError(
            f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {list(tau.shape[:-1])}"
        )
    if A.dtype != tau.dtype:
        raise RuntimeError(f"{name}: tau dtype {tau.dtype} does not match input dtype {A.dtype}")


@autocasts("float32")
def householder_product(A: Tensor, tau: Tensor, *, out: Any = None) -> Tensor:
    """The first columns of the product of reflections 1 - tau v v^H, whose v are the columns of A below the diagonal.

    Derivative: that of the reflections.
    """
    _check_reflectors("torch.linalg.householder_product", A, tau)
    result = _product(A, tau) if tracked(A, tau) else _f["_householder_product"](A, tau)
    return into_out("linalg_householder_product", out, result)


# --- symmetric factors ---


def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """L D L^T of symmetric, or L D L^H of Hermitian matrices in one, its pivots, and LAPACK's info. No derivative."""
    values = _f["_linalg_ldl_factor_ex"](A, hermitian=hermitian, check_errors=check_errors)
    return named(return_types.linalg_ldl_factor_ex, values, out)


def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """L D L^T of symmetric, or L D L^H of Hermitian matrices in one, and its pivots. No derivative."""
    values = _f["_linalg_ldl_factor_ex"](A, hermitian=hermitian, check_errors=True)[:2]
    return named(return_types.linalg_ldl_factor, values, out)


# --- least squares ---

_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _check_squares(A: Tensor, B: Tensor, vector: bool, driver: Any) -> None:
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    if A.shape[-2] != B.shape[-1 if vector else -2]:
        size = "other.size(-1)" if vector else "other.size(-2)"
        raise RuntimeError(f"torch.linalg.lstsq: input.size(-2) should match {size}")
    if A.dtype != B.dtype:
        mine, other = (x.type().split(".")[-1].removesuffix("Tensor") for x in (A, B))
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, "
            f"but got input's dtype {mine} and other's dtype {other}"
        )


@composition("linalg_lstsq", saves=("self",))
def _recorded(A: Tensor, B: Tensor, values: Tensor, of_residuals: bool) -> Tensor:
    """The values with the derivative of pinv(A) B, or of the residuals that these leave."""
    result = tapeless.linalg.pinv(A) @ B
    if of_residuals:
        rest = A @ result - B
        result = (rest * rest.conj()).real.sum(-2)
    if _core._open_levels():
        return result
    return values.detach() + (result - result.detach())


def _residuals(A: Tensor, x: Tensor, ranks: Tensor, driver: str) -> Tensor | None:
    m, n = A.shape[-2:]
    if m <= n or driver == "gelsy":
        return None
    if driver in ("gelsd", "gelss") and not bool((ranks == n).all()):
        return None
    rest = x[..., n:m, :]
    return (rest * rest.conj()).real.sum(-2)


@autocasts("float32")
def lstsq(A: Tensor, B: Tensor, rcond: Any = None, *, driver: Any = None) -> Any:
    """X of the least |A X - B| (the shortest one by driver "gelsy", the default, "gelsd" and "gelss"), squared
    residuals, ranks and singular values, as far as the driver tells them.

    Singular values up to rcond times the largest count as 0. Derivative: that of pinv(A) B.
    """
    if A.dim() < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if B.dim() < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    vector = B.dim() == 1 or A.dim() - 1 == B.dim()
    _check_squares(A, B, vector, driver)
    driver = "gelsy" if driver is None else driver
    right = B.unsqueeze(-1) if vector else B
    batch = tapeless.broadcast_shapes(A.shape[:-2], right.shape[:-2])
    left, right = A.expand(*batch, *A.shape[-2:]), right.expand(*batch, *right.shape[-2:])
    if rcond is None:
        rcond = tapeless.finfo(A.dtype).eps * max(A.shape[-2:])
    with tapeless.no_grad():
        x, ranks, singular = _f["_linalg_lstsq"](left, right, float(rcond), driver)
        residuals = _residuals(A, x, ranks, driver)
    solution = x[..., : A.shape[-1], :]
    if tracked(A, B):
        residuals = None if residuals is None else _recorded(left, right, residuals, True)
        solution = _recorded(left, right, solution, False)
    return return_types.linalg_lstsq(
        solution.squeeze(-1) if vector else solution,
        singular.new_empty(0) if residuals is None else residuals,
        ranks.new_empty(0) if driver == "gels" else ranks,
        singular,
    )


# --- tensors as matrices ---


def tensorinv(A: Tensor, ind: int = 2, *, out: Any = None) -> Tensor:
    """The inverse for `tensordot` of A, whose first `ind` dimensions are rows. Derivative: that of linalg.inv."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    rows, columns = A.shape[:ind], A.shape[ind:]
    m, n = math.prod(rows), math.prod(columns)
    if m != n:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{n} != {m}"
        )
    return into_out("linalg_tensorinv", out, tapeless.linalg.inv(A.reshape(m, n)).reshape(*columns, *rows))


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Any = None) -> Tensor:
    """X of tensordot(A, X, X.ndim) = B, where `dims` of A come last first. Derivative: that of linalg.solve."""
    if dims is not None:
        dims = [d % A.dim() for d in dims]
        A = A.movedim(dims, list(range(A.dim() - len(dims), A.dim())))
    shape = A.shape[B.dim() :]
    m, n = math.prod(A.shape[: B.dim()]), math.prod(shape)
    if m != n:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {n} != {m}"
        )
    result = tapeless.linalg.solve(A.reshape(m, n), B.flatten()).reshape(shape)
    return into_out("linalg_tensorsolve", out, result)
