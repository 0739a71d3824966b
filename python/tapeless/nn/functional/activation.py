# Activations and softmax.
"""Activations, most of them rows of the core, and softmax with the dimension that PyTorch chooses if none is given."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tapeless
from tapeless.composition import composition
from tapeless.nn.functional._checks import need_tensor, refuse_dtype

__all__ = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]

_nn = tapeless._nn
_SQRT_HALF = math.sqrt(0.5)
_SQRT_2_OVER_PI = math.sqrt(2.0 / math.pi)


@composition("gelu", saves=("self",))
def gelu(input: Any, *, approximate: str = "none") -> Any:
    """x * P(Z <= x) for a standard normal Z; `approximate="tanh"` is the cheaper tanh form."""
    if not isinstance(input, tapeless.Tensor) or not input.is_floating_point():
        need_tensor("gelu", "input", 1, input)
        refuse_dtype("gelu", "GeluKernelImpl", input)
    if approximate == "none":
        return (input * 0.5) * ((input * _SQRT_HALF).erf() + 1.0)
    if approximate == "tanh":
        inner = (input * input * 0.044715 + 1.0) * (input * _SQRT_2_OVER_PI)
        return (input * 0.5) * (inner.tanh() + 1.0)
    raise RuntimeError(
        f"approximate argument must be either none or tanh. Got approximate={approximate!r}; "
        'write gelu(input) or gelu(input, approximate="tanh").'
    )


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0), in place on request."""
    return tapeless.relu_(input) if inplace else tapeless.relu(input)


relu_ = tapeless.relu_
celu_ = tapeless.celu_
selu_ = tapeless.selu_
threshold_ = tapeless.threshold_
rrelu_ = tapeless.rrelu_
elu_ = _nn.elu_
leaky_relu_ = _nn.leaky_relu_
prelu = tapeless.prelu
hardshrink = tapeless.hardshrink
logsigmoid = _nn.logsigmoid
softplus = _nn.softplus


def silu(input: Any, inplace: bool = False) -> Any:
    """x * sigmoid(x), in place on request (Elfwing et al. 2017)."""
    return _nn.silu_(input) if inplace else _nn.silu(input)


def mish(input: Any, inplace: bool = False) -> Any:
    """x * tanh(softplus(x)), in place on request (Misra 2019)."""
    return _nn.mish_(input) if inplace else _nn.mish(input)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2015)."""
    return _nn.elu_(input, alpha) if inplace else _nn.elu(input, alpha)


def selu(input: Any, inplace: bool = False) -> Any:
    """elu with the scale and alpha that normalise (Klambauer et al. 2017)."""
    return tapeless.selu_(input) if inplace else tapeless.selu(input)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where it is positive, else alpha * (exp(x / alpha) - 1) (Barron 2017)."""
    return tapeless.celu_(input, alpha) if inplace else tapeless.celu(input, alpha)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x where it is positive, else negative_slope * x; the gradient at 0 is the slope."""
    return _nn.leaky_relu_(input, negative_slope) if inplace else _nn.leaky_relu(input, negative_slope)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """x where it is above the threshold, else value; the gradient at the threshold is 0."""
    function = tapeless.threshold_ if inplace else tapeless.threshold
    return function(input, threshold, value)


def rrelu(
    input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Any:
    """leaky_relu whose slopes are drawn between lower and upper in training, and else their middle (Xu et al. 2015)."""
    function = tapeless.rrelu_ if inplace else tapeless.rrelu
    return function(input, lower, upper, training)


def hardtanh_(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """hardtanh in place."""
    _check_limits(input, min_val, max_val)
    return _nn.hardtanh_(input, min_val, max_val)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """Limits values to [min_val, max_val]; the gradient at a bound is 0."""
    if inplace:
        return hardtanh_(input, min_val, max_val)
    _check_limits(input, min_val, max_val)
    return _nn.hardtanh(input, min_val, max_val)


def relu6(input: Any, inplace: bool = False) -> Any:
    """min(max(x, 0), 6); the gradient at a bound is 0."""
    return hardtanh(input, 0, 6, inplace)


def _check_limits(input: Any, low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"min_val cannot be greater than max_val: hardtanh was given {low} and {high}")
    if isinstance(input, tapeless.Tensor) and not input.is_floating_point():
        if input.dtype is tapeless.bool:
            raise NotImplementedError(
                "\"hardtanh\" not implemented for 'Bool': convert first, for example with .float()"
            )
        if input.dtype is tapeless.uint8 and (low < 0 or high < 0):
            raise RuntimeError(
                "cannot do hardtanh on an unsigned type with negative limits; give limits from 0, or convert the input"
            )


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """min(max(x + 3, 0), 6) / 6, in place on request."""
    return _nn.hardsigmoid_(input) if inplace else _nn.hardsigmoid(input)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """x * min(max(x + 3, 0), 6) / 6, in place on request (Howard et al. 2019)."""
    return _nn.hardswish_(input) if inplace else _nn.hardswish(input)


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """Values moved towards 0 by lambd, 0 where they would pass it; the gradient is 0 there."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be in range [0, inf) for softshrink, but found {lambd:g}")
    return _nn.softshrink(input, lambd)


def softsign(input: Any) -> Any:
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


def tanhshrink(input: Any) -> Any:
    """x - tanh(x)."""
    return input - input.tanh()


@composition("glu", saves=("self",))
def glu(input: Any, dim: int = -1) -> Any:
    """The first half along `dim` times the sigmoid of the second (Dauphin et al. 2016). Derivative: of the product."""
    need_tensor("glu", "input", 1, input)
    rank = input.dim()
    if rank == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim % rank} is size {input.shape[dim]}")
    if not input.is_floating_point():
        refuse_dtype("glu", "glu_cpu", input)
    half = input.shape[dim] // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()


def sigmoid(input: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return input.sigmoid()


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return input.tanh()


# --- softmax ---


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along `dim`, computed in `dtype` where one is given."""
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return tapeless.softmax(input, dim, dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """x - log(sum(exp(x))) along `dim`, computed in `dtype` where one is given."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return tapeless.log_softmax(input, dim, dtype)


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """softmax of -x."""
    if dim is None:
        dim = _implicit_dim("softmin", input.dim(), _stacklevel)
    return tapeless.softmax(-input, dim, dtype)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """softmax((logits + Gumbel noise) / tau) along `dim`: a sample that is nearly one-hot (Jang et al. 2016).

    `hard` gives the one-hot sample itself, with the derivative of the soft one.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -tapeless.empty_like(logits, memory_format=tapeless.contiguous_format).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    place = soft.max(dim, keepdim=True)[1]
    one_hot = tapeless.zeros_like(logits, memory_format=tapeless.contiguous_format).scatter_(dim, place, 1.0)
    return one_hot - soft.detach() + soft


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1
