# Activations that the namespace has besides nn.functional.
"""Activations: rows of the core with their checks, and those with a choice of slopes."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import autocasts

__all__ = [
    "celu",
    "celu_",
    "prelu",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "threshold",
    "threshold_",
]
METHODS = ("prelu",)

_rows = _core.nn_functions
_SELU = (1.6732632423543772848170429916717, 1.0507009873554804934193349852946)  # alpha and scale

threshold = _rows["threshold"]
threshold_ = _rows["threshold_"]


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else alpha * (exp(x / alpha) - 1) (Barron 2017)."""
    _check_alpha(alpha)
    return _rows["celu"](input, alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """celu in place."""
    _check_alpha(alpha)
    return _rows["celu_"](input, alpha)


def _check_alpha(alpha: Any) -> None:
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU; a very small one makes a relu")


def selu(input: Tensor) -> Tensor:
    """scale * elu(x, alpha) with the two numbers that keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return _rows["elu"](input, *_SELU)


def selu_(input: Tensor) -> Tensor:
    """selu in place."""
    return _rows["elu_"](input, *_SELU)


@autocasts("lower")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where it is positive, else weight * x: one weight, or one for each channel (dimension 1) (He et al. 2015)."""
    if input.dtype is not weight.dtype:
        names = " and ".join(str(x.dtype).removeprefix("torch.") for x in (input, weight))
        raise RuntimeError(f"prelu: Type promoting not supported. Got {names}; convert one with .to(...)")
    rank = input.dim()
    if weight.dim() > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.dim()}")
    count = weight.numel()
    if count != 1:
        if rank == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if rank > 1 else 1
        if channels != count:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. "
                f"Found parameter numbers = {count} and channel size = {channels}."
            )
    if rank > 1:
        weight = weight.reshape([1, count] + [1] * (rank - 2))
    elif weight.dim() > rank:
        weight = weight.reshape([count] * rank)
    return _rows["prelu_kernel"](input, weight)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """leaky_relu whose slopes are drawn between lower and upper in training, and else their middle (Xu et al. 2015)."""
    return _rows["rrelu_with_noise"](input, _slopes(input, lower, upper, training, generator))


def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """rrelu in place."""
    return _rows["rrelu_with_noise_"](input, _slopes(input, lower, upper, training, generator))


def _slopes(input: Tensor, lower: float, upper: float, training: bool, generator: Any) -> Any:
    """The slopes of the negative part: one number, or one draw in double precision for each element that needs it."""
    if lower > upper:
        raise RuntimeError(
            f"Lower bound should be less than or equal to the upper bound: rrelu was given {lower} and {upper}"
        )
    if not training:
        return (lower + upper) / 2
    bent = input.detach() <= 0
    slopes = input.detach().clone().fill_(1.0)
    drawn = input.new_empty(int(bent.sum()), dtype=_core.float64).uniform_(lower, upper, generator=generator)
    slopes[bent] = drawn.to(input.dtype)
    return slopes
