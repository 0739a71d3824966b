# Reductions in forms that one signature cannot say, and what is made of them.
"""Overloads of `var`, `std` and their kin, and compositions of reductions."""

import warnings
from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "corrcoef",
    "cov",
    "nanmean",
    "norm",
    "std",
    "std_mean",
    "var",
    "var_mean",
]
METHODS = ("corrcoef", "cov", "nanmean", "norm", "std", "var")

_f = _core.functions


def _spread(name: str) -> Any:
    core = _f[f"_{name}"]

    def spread(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], bool):
            return core(input, None, *args, **kwargs)
        return core(input, *args, **kwargs)

    spread.__name__ = spread.__qualname__ = name
    spread.__doc__ = (
        f"{name}(input, dim=None, *, correction=1, keepdim=False), {name}(input, unbiased) or {name}(input, dim, "
        f"unbiased=True, keepdim=False). {core.__doc__.partition(chr(10))[2].strip()}"
    )
    return spread


std = _spread("std")
std_mean = _spread("std_mean")
var = _spread("var")
var_mean = _spread("var_mean")


def nanmean(input: Tensor, *args: Any, dtype: Any = None, out: Any = None, **kwargs: Any) -> Tensor:
    """nanmean(input, dim=None, keepdim=False, *, dtype=None): the mean over what is not NaN. Derivative: g / count."""
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype}; convert "
            "first, for example with input.float()"
        )
    count = (~_f["isnan"](input.detach())).sum(*args, **kwargs)
    return _f["div"](_f["nansum"](input, *args, dtype=dtype, **kwargs), count, out=out)


def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Any = None, dtype: Any = None
) -> Tensor:
    """The p-norm over dimensions, all by default; 'fro' is 2, 'nuc' the sum of a matrix's singular values.

    Derivative: that of linalg.vector_norm or linalg.matrix_norm.
    """
    from tapeless import linalg

    dims = (dim,) if isinstance(dim, int) else dim
    if isinstance(p, str) and not (p == "fro" and (dims is None or len(dims) <= 2)):
        every = tuple(range(input.dim())) if dims is None else dims
        return linalg.matrix_norm(input, p, every, keepdim, dtype=dtype, out=out)
    order = 2 if p is None or p == "fro" else p
    return linalg.vector_norm(input, order, dims, keepdim, dtype=dtype, out=out)


def _weights(name: str, given: Tensor, observations: int, kind: str, fits: bool) -> Tensor:
    if given.dim() > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {given.dim()} dimensions"
        )
    if not fits:
        raise RuntimeError(f"cov(): expected {name} to have {kind} dtype but got {name} with {given.dtype} dtype")
    if given.numel() != observations:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{given.numel()} != {observations}"
        )
    if observations and bool((given < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return given


def cov(input: Tensor, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
    """The covariance matrix of variables (rows) over observations (columns), which may be weighted by counts (fweights)
    and by importance (aweights). Derivative: that of the matrix product of what differs from the means.
    """
    if input.dim() > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.dim()} dimensions"
        )
    if input.dtype is _core.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input; convert first, for example with input.int()")
    rows = input.reshape(1, -1) if input.dim() < 2 else input
    count, weights = rows.size(1), None
    if fweights is not None:
        whole = not (fweights.is_floating_point() or fweights.is_complex() or fweights.dtype is _core.bool)
        weights = _weights("fweights", fweights, count, "integral", whole)
    if aweights is not None:
        aweights = _weights("aweights", aweights, count, "floating point", aweights.is_floating_point())
        weights = aweights if weights is None else weights * aweights
    total = rows.new_tensor(count, dtype=_core.int64) if weights is None else weights.sum()
    if weights is not None and not bool(total != 0):
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    mean = (rows if weights is None else rows * weights).sum(1) / total
    freedom = total - correction
    if aweights is not None and correction != 0:
        freedom = total - correction * (weights * aweights).sum() / total
    if bool(freedom <= 0):
        warnings.warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
            stacklevel=2,
        )
        freedom = freedom * 0
    off = rows - mean.unsqueeze(1)
    other = (off if weights is None else off * weights).t()
    product = _f["mm"](off, other.conj() if other.is_complex() else other)
    return _f["true_divide"](product, freedom).squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """The matrix of Pearson's correlations of variables (rows): cov divided by the deviations, kept within [-1, 1].

    Derivative: that of the quotient.
    """
    if input.dim() > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.dim()} dimensions"
        )
    c = cov(input)
    if c.dim() == 0:
        return c / c
    variances = c.reshape(-1)[:: c.size(0) + 1]
    deviations = (variances.real if c.is_complex() else variances).sqrt()
    c = c / deviations.view(-1, 1) / deviations.view(1, -1)
    if not c.is_complex():
        return c.clip(-1, 1)
    return _complex(c.real.clip(-1, 1), c.imag.clip(-1, 1))


def _complex(real: Tensor, imag: Tensor) -> Tensor:
    return _f["complex"](real, imag)
