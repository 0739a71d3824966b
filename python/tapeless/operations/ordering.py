# Order statistics: medians in their forms, quantiles.
"""Overloads of `median`, and quantiles made of sorts."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import autocasts

__all__ = [
    "median",
    "nanmedian",
    "nanquantile",
    "quantile",
]
METHODS = ("median", "nanmedian", "nanquantile", "quantile")

_f = _core.functions


def _median(name: str, which: str) -> Any:
    whole, along = _f[f"_{name}_all"], _f[f"_{name}_dim"]

    def median(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            return whole(input)
        return along(input, *args, **kwargs)

    median.__name__ = median.__qualname__ = name
    median.__doc__ = (
        f"{name}(input) or {name}(input, dim, keepdim=False): the lower median of {which}, of the whole tensor, or "
        "along a dimension with an int64 index where it stands. Derivative: of the whole, elements equal to the "
        "median share g evenly; along a dimension, g goes to the element at the index."
    )
    return median


median = _median("median", "all elements, NaN if there is one")
nanmedian = _median("nanmedian", "the elements that are not NaN")


@autocasts("float32")
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Any = None,
) -> Tensor:
    """The value below which a share q of the elements lies, along dim or of all; NaN if an element is NaN.

    q is a number in [0, 1], or a vector of them, whose dimension the result has in front. Between two elements the
    result is linear, their midpoint, or the lower, higher or nearest one (Hyndman and Fan, 1996, definition 7).
    Derivative: g goes to those elements, weighted as in the result.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, out)


@autocasts("float32")
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Any = None,
) -> Tensor:
    """The quantile of the elements that are not NaN; NaN where there is none. See `quantile`, also for derivatives."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, out)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, out: Any) -> Tensor:
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        q = _core.tensor(q, dtype=input.dtype)
    _check_quantile(name, input, q, out)
    rows = _rows_to_reduce(input, dim, keepdim)
    ranks = _ranks(rows, q.reshape(-1), name == "nanquantile")
    if interpolation in ("lower", "higher", "nearest"):
        ranks = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}[interpolation]()
    below = ranks.to(_core.int64)
    found = rows.gather(-1, below)
    if interpolation in ("linear", "midpoint"):
        weights = ranks - below if interpolation == "linear" else _core.full_like(ranks, 0.5)
        found = _between(found, rows.gather(-1, ranks.ceil().to(_core.int64)), weights)
    if q.dim() == 0:
        found = found.squeeze_(-1)
    else:  # The dimension of q goes from the end to the front.
        found = found.unsqueeze_(0).transpose_(0, -1).squeeze_(-1)
    if out is None:
        return found
    _core._write_out(out, found)
    return out


def _check_quantile(name: str, input: Tensor, q: Tensor, out: Any) -> None:
    if input.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if q.dim() > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor, but it has {q.dim()} dimensions")
    if input.dtype not in (_core.float32, _core.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype, not {input.dtype}")
    if q.dtype != input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor: {q.dtype}, {input.dtype}")
    if out is not None and out.dtype != input.dtype:
        raise RuntimeError(f"{name}() out tensor must be same dtype as the input tensor: {out.dtype}, {input.dtype}")
    if q.numel() > 0 and not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")


def _rows_to_reduce(input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    """The elements sorted along the last dimension, the others as the result has them."""
    if dim is None:
        rows = input.flatten().sort().values
        return rows.reshape((1,) * (input.dim() if keepdim else 0) + (-1,))
    rank = max(input.dim(), 1)
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    if input.dim() == 0:
        return input.reshape(1)
    dim %= rank
    rows = input.unsqueeze(-1).transpose(dim, -1).sort().values
    return rows if keepdim else rows.squeeze(dim)


def _ranks(rows: Tensor, q: Tensor, ignores_nan: bool) -> Tensor:
    """Where in each sorted row the quantiles stand, as a number between two places."""
    if ignores_nan:
        ranks = q * ((~rows.isnan()).sum(-1, True) - 1)
        return ranks.masked_fill(ranks < 0, 0)
    last = rows.shape[-1] - 1
    nan = rows[..., -1:].isnan()  # It is the largest, so it is the last if there is one.
    return (q * last).expand(*rows.shape[:-1], -1).masked_fill(nan, last)


def _between(x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """From x to y, exact at both ends."""
    step = y - x
    return _f["where"](weights < 0.5, x + weights * step, y - step * (1 - weights))
