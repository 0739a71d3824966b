# Activations as modules, a class each.
"""Activations; the formulas and derivatives are those of the functions of the same names in nn.functional."""

import warnings
from typing import Any

import tapeless
from tapeless.nn import functional as F
from tapeless.nn import init
from tapeless.nn.modules._attention import MultiheadAttention
from tapeless.nn.modules.module import Module
from tapeless.nn.parameter import Parameter

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "MultiheadAttention",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


def _told(*parts: str, inplace: bool = False) -> str:
    """The arguments of a repr, and `inplace=True` where it is so."""
    return ", ".join([*parts, "inplace=True"] if inplace else parts)


class _InPlace(Module):
    """An activation whose only argument is whether it overwrites its input."""

    __constants__ = ["inplace"]
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """`inplace=True`, or nothing."""
        return _told(inplace=self.inplace)


class _AlongDim(Module):
    """An activation that compares the elements along one dimension."""

    __constants__ = ["dim"]
    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if not hasattr(self, "dim"):
            self.dim = None

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Threshold(Module):
    """x where it is above `threshold`, else `value`."""

    __constants__ = ["threshold", "value", "inplace"]
    threshold: float
    value: float
    inplace: bool

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """See `nn.functional.threshold`."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Threshold and value."""
        return _told(f"threshold={self.threshold}", f"value={self.value}", inplace=self.inplace)


class ReLU(_InPlace):
    """max(x, 0)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.relu`."""
        return F.relu(input, inplace=self.inplace)


class RReLU(Module):
    """A leaky ReLU whose slopes are drawn from [lower, upper] in training, and else their middle (Xu et al. 2015)."""

    __constants__ = ["lower", "upper", "inplace"]
    lower: float
    upper: float
    inplace: bool

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """See `nn.functional.rrelu`."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The bounds of the slopes."""
        return _told(f"lower={self.lower}", f"upper={self.upper}", inplace=self.inplace)


class Hardtanh(Module):
    """x limited to [min_val, max_val]."""

    __constants__ = ["min_val", "max_val", "inplace"]
    min_val: float
    max_val: float
    inplace: bool

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        if min_value is not None:
            warnings.warn("keyword argument `min_value` is deprecated and rename to `min_val`", FutureWarning, 2)
            min_val = min_value
        if max_value is not None:
            warnings.warn("keyword argument `max_value` is deprecated and rename to `max_val`", FutureWarning, 2)
            max_val = max_value
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace
        if not max_val > min_val:
            raise AssertionError(f"max_val must be larger than min_val, but they are {max_val} and {min_val}")

    def forward(self, input: Any) -> Any:
        """See `nn.functional.hardtanh`."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """The bounds."""
        return _told(f"min_val={self.min_val}", f"max_val={self.max_val}", inplace=self.inplace)


class ReLU6(Hardtanh):
    """min(max(x, 0), 6)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """`inplace=True`, or nothing."""
        return _told(inplace=self.inplace)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Any) -> Any:
        """See `torch.sigmoid`."""
        return tapeless.sigmoid(input)


class Hardsigmoid(_InPlace):
    """min(max(x + 3, 0), 6) / 6."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.hardsigmoid`."""
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Any) -> Any:
        """See `torch.tanh`."""
        return tapeless.tanh(input)


class SiLU(_InPlace):
    """x * sigmoid(x) (Elfwing et al. 2017)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.silu`."""
        return F.silu(input, inplace=self.inplace)


class Mish(_InPlace):
    """x * tanh(softplus(x)) (Misra 2019)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.mish`."""
        return F.mish(input, inplace=self.inplace)


class Hardswish(_InPlace):
    """x * min(max(x + 3, 0), 6) / 6 (Howard et al. 2019)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.hardswish`."""
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class _Exponential(Module):
    """An activation that is exponential below zero, with a scale `alpha`."""

    __constants__ = ["alpha", "inplace"]
    alpha: float
    inplace: bool

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The scale."""
        return _told(f"alpha={self.alpha}", inplace=self.inplace)


class ELU(_Exponential):
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2015)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.elu`."""
        return F.elu(input, self.alpha, self.inplace)


class CELU(_Exponential):
    """x where it is positive, else alpha * (exp(x / alpha) - 1) (Barron 2017)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.celu`."""
        return F.celu(input, self.alpha, self.inplace)


class SELU(_InPlace):
    """ELU with the scale and alpha that normalise (Klambauer et al. 2017)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.selu`."""
        return F.selu(input, self.inplace)


class GLU(_AlongDim):
    """The first half along `dim` times the sigmoid of the second (Dauphin et al. 2016)."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim)

    def forward(self, input: Any) -> Any:
        """See `nn.functional.glu`."""
        return F.glu(input, self.dim)


class GELU(Module):
    """x times the probability that a standard normal variable is at most x (Hendrycks and Gimpel 2016)."""

    __constants__ = ["approximate"]
    approximate: str

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """See `nn.functional.gelu`."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Which formula."""
        return f"approximate={self.approximate!r}"


class _Shrink(Module):
    """An activation that is zero within `lambd` of zero."""

    __constants__ = ["lambd"]
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """The half width of the gap."""
        return f"{self.lambd}"


class Hardshrink(_Shrink):
    """x, or 0 where |x| <= lambd."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.hardshrink`."""
        return F.hardshrink(input, self.lambd)


class LeakyReLU(Module):
    """x where it is positive, else negative_slope * x."""

    __constants__ = ["inplace", "negative_slope"]
    inplace: bool
    negative_slope: float

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """See `nn.functional.leaky_relu`."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The slope below zero."""
        return _told(f"negative_slope={self.negative_slope}", inplace=self.inplace)


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x)))."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.logsigmoid`."""
        return F.logsigmoid(input)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x is above `threshold`."""

    __constants__ = ["beta", "threshold"]
    beta: float
    threshold: float

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Any) -> Any:
        """See `nn.functional.softplus`."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The factor and the threshold."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softshrink(_Shrink):
    """x moved towards 0 by lambd, 0 where it would pass it."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.softshrink`."""
        return F.softshrink(input, self.lambd)


class PReLU(Module):
    """x where it is positive, else weight * x, one learnt slope for all channels or one for each (He et al. 2015)."""

    __constants__ = ["num_parameters"]
    num_parameters: int

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(tapeless.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every slope to the initial one."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        """See `torch.prelu`."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """How many slopes there are."""
        return f"num_parameters={self.num_parameters}"


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.softsign`."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.tanhshrink`."""
        return F.tanhshrink(input)


class Softmin(_AlongDim):
    """Softmax of -x."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.softmin`."""
        return F.softmin(input, self.dim, _stacklevel=5)


class Softmax(_AlongDim):
    """exp(x) / sum(exp(x)) along `dim`."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.softmax`."""
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels at each place of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Any) -> Any:
        """The shares of the channels; ValueError for another number of dimensions."""
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """x - log(sum(exp(x))) along `dim`."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.log_softmax`."""
        return F.log_softmax(input, self.dim, _stacklevel=5)
