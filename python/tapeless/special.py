# torch.special: special functions by the names that they have there.
"""Special functions: those of the table called `special_NAME`, and names for functions of the main namespace.

A name whose function Tapeless lacks is not here.
"""

from typing import Any

import tapeless
from tapeless import _core
from tapeless.composition import composition

# Where a name of torch.special is another name, or none, in the main namespace.
_RENAMED = {
    "expit": "sigmoid",
    "gammainc": "igamma",
    "gammaincc": "igammac",
    "gammaln": "lgamma",
    "multigammaln": "mvlgamma",
    "psi": "digamma",
}
_SAME = (
    "digamma erf erfc erfinv exp2 expm1 i0 log1p log_softmax logit logsumexp polygamma round sinc softmax xlogy"
).split()
_PREFIX = "special_"


@composition("mul", overload=1)
def _ndtr(input: Any) -> Any:
    return tapeless.erfc(input * -0.7071067811865476) * 0.5


def ndtr(input: Any, *, out: Any = None) -> Any:
    """The standard normal distribution function, erfc(-x / sqrt(2)) / 2. Derivative: g times its density."""
    result = _ndtr(input)
    if out is None:
        return result
    _core._write_out(out, result)
    return out


def zeta(input: Any, other: Any, *, out: Any = None) -> Any:
    """Hurwitz's zeta function, special_zeta, for all dtypes but half types, as PyTorch has it.

    Derivative: -input * zeta(input + 1, other) for other; there is none for input.
    """
    for x in (input, other):
        if isinstance(x, tapeless.Tensor) and x.dtype in (tapeless.float16, tapeless.bfloat16):
            kind = "Half" if x.dtype is tapeless.float16 else "BFloat16"
            raise NotImplementedError(f"\"zeta_cpu\" not implemented for '{kind}': convert with .float() first")
    return _core.functions["special_zeta"](input, other, out=out)


globals().update({_name: getattr(tapeless, _name) for _name in _SAME if hasattr(tapeless, _name)})
globals().update({_name: getattr(tapeless, _other) for _name, _other in _RENAMED.items()})
globals().update(
    {
        _name.removeprefix(_PREFIX): _function
        for _name, _function in _core.functions.items()
        if _name.startswith(_PREFIX) and _name != "special_zeta"
    }
)

_IMPORTED = ("Any", "composition", "tapeless")
__all__ = sorted(_name for _name in globals() if not _name.startswith("_") and _name not in _IMPORTED)
