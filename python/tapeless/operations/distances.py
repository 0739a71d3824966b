# Distances: of vectors, of pairs of vectors, of all pairs of rows.
"""Distances by the p-norm, and the cosine of an angle."""

from __future__ import annotations

import math

from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import autocasts, composition
from tapeless.operations.reductions import norm
from tapeless.operations.shape import broadcast_shapes

__all__ = ["cdist", "cosine_similarity", "dist", "pairwise_distance", "pdist"]
METHODS = ("dist",)

_f = _core.functions
_where = _f["where"]


@composition("norm", saves=("self", "result"), overload=1)
def _named_norm(x: Tensor, p: float, dim: int, keepdim: bool) -> Tensor:
    """norm under the name that it has where PyTorch takes it in C++."""
    return norm(x, p, dim, keepdim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps over the last dimension. Derivative: that of the norm."""
    return _named_norm(x1 - x2 + eps, p, -1, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along `dim`, whose lengths count as eps at least.

    Derivative: that of the quotients, which passes the limit of the lengths.
    """
    dtype = _core.promote_types(x1.dtype, x2.dtype)
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {str(dtype).removeprefix('torch.')}: "
            "cosine_similarity needs floats; convert first, for example with .float()"
        )
    shape = broadcast_shapes(x1.shape, x2.shape)
    parts = []
    for x in (x1, x2):
        x = x.to(dtype).expand(shape)
        length = norm(x, 2, dim, True)
        held = length.detach()
        parts.append(x / (length + (held.clamp_min(eps) - held)))
    return (parts[0] * parts[1]).sum(dim)


@composition("dist", saves=("self", "other", "result"))
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other. Derivative: that of the norm, 0 where they are equal."""
    return norm(input - other, p)


# --- All pairs of rows ---

_MODES = {
    None: 0,
    "use_mm_for_euclid_dist_if_necessary": 0,
    "use_mm_for_euclid_dist": 1,
    "donot_use_mm_for_euclid_dist": 2,
}
_FEW_ROWS = 25


@autocasts("float32")
def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The distances [..., P, R] of the rows of x1 [..., P, M] and x2 [..., R, M] by the p-norm.

    With p = 2 and more than 25 rows a matrix product is taken, which is faster and loses digits of short distances;
    compute_mode decides otherwise. Derivative: that of the norm, 0 where the distance is 0.
    """
    if compute_mode not in _MODES:
        raise ValueError(
            f"{compute_mode} is not a valid value for compute_mode; it is one of {', '.join(list(_MODES)[1:])}"
        )
    _check_pair(x1, x2, p)
    batch = broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    rows, others, width = x1.shape[-2], x2.shape[-2], x1.shape[-1]
    x1 = x1.expand(*batch, rows, width) if tuple(x1.shape[:-2]) != tuple(batch) else x1
    x2 = x2.expand(*batch, others, width) if tuple(x2.shape[:-2]) != tuple(batch) else x2
    mode = _MODES[compute_mode]
    if (
        p == 2
        and (mode == 1 or (mode == 0 and max(rows, others) > _FEW_ROWS))
        and math.prod(batch) * rows * others * width
    ):
        return _euclidean(x1, x2).view(*batch, rows, others)
    dtype = _core.promote_types(x1.dtype, x2.dtype)
    return _core.nn_functions["cdist"](x1.to(dtype), x2.to(dtype), p)


def _check_pair(x1: Tensor, x2: Tensor, p: float) -> None:
    for name, x in (("X1", x1), ("X2", x2)):
        if not x.is_floating_point():
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {name} got: {str(x.dtype).removeprefix('torch.')}"
            )
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dim() < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.dim()}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError(f"cdist only supports non-negative p values: it was given {p}")


@composition("euclidean_dist", saves=("x1", "x2", "result"))
def _euclidean(x1: Tensor, x2: Tensor) -> Tensor:
    """The root of |a|² - 2ab + |b|², all in one product."""
    ones = x1.detach()[..., :1] * 0 + 1, x2.detach()[..., :1] * 0 + 1
    left = _f["cat"]([x1 * -2, (x1 * x1).sum(-1, True), ones[0]], -1)
    right = _f["cat"]([x2, ones[1], (x2 * x2).sum(-1, True)], -1)
    squares = left.matmul(right.transpose(-2, -1))
    nothing = squares <= 0
    return _where(nothing, 0.0, _where(nothing, 1.0, squares).sqrt())


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The distances of the rows of a matrix [N, M], each pair once: [N * (N - 1) / 2]. Derivative: that of the norm."""
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    if not input.is_floating_point():
        raise RuntimeError("pdist only supports floating-point dtypes; convert first, for example with input.float()")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values: it was given {p}")
    return _pdist(input, p)


@composition("pdist", saves=("self", "result"))
def _pdist(input: Tensor, p: float) -> Tensor:
    place = _rows_of(input)
    return _core.nn_functions["cdist"](input, input, p)[place.unsqueeze(1) < place]


def _rows_of(input: Tensor) -> Tensor:
    from tapeless import arange

    return arange(input.shape[0], device=input.device)
