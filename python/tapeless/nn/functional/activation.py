# Activations and softmax.
"""Activations, and softmax with the dimension that PyTorch chooses where none is given."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tapeless
from tapeless.composition import composition
from tapeless.nn.functional._checks import need_tensor, refuse_dtype

__all__ = ["gelu", "log_softmax", "relu", "sigmoid", "softmax", "tanh"]

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


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1
