# Elementary functions that are not rows: powers in double precision, polar coordinates.
"""Compositions of rows, with PyTorch's nodes where it has them."""

import math
from typing import Any

from tapeless import _core
from tapeless._arguments import into_out
from tapeless._core import Tensor
from tapeless.composition import autocasts, composition

__all__ = [
    "angle",
    "divide",
    "float_power",
    "polar",
]
METHODS = ("angle", "divide", "divide_", "float_power", "float_power_")

_f = _core.functions


def _wide(name: str, input: Any, exponent: Any) -> Any:
    """The dtype in which float_power computes."""
    operands = (input, exponent)
    if not any(isinstance(x, Tensor) for x in operands):
        kinds = ", ".join(type(x).__name__ for x in operands)
        raise TypeError(f"{name}() received an invalid combination of arguments - got ({kinds}); one must be a Tensor")
    wide = any(x.is_complex() if isinstance(x, Tensor) else isinstance(x, complex) for x in operands)
    return _core.complex128 if wide else _core.float64


def _as(dtype: Any, x: Any) -> Any:
    if isinstance(x, Tensor):
        return x.to(dtype)
    return complex(x) if dtype.is_complex else float(x)


def divide(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Tensor:
    """div by its longer name. Derivative: that of div."""
    return _f["div"](input, other, rounding_mode=rounding_mode, out=out)


def divide_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """div_ by its longer name. Derivative: that of div."""
    return input.div_(other, rounding_mode=rounding_mode)


def float_power(input: Any, exponent: Any, *, out: Any = None) -> Tensor:
    """The power computed in float64, or in complex128 if an operand is complex. Derivative: that of pow."""
    dtype = _wide("float_power", input, exponent)
    if out is not None and out.dtype != dtype:
        raise RuntimeError(
            f"the output given to float_power has dtype {out.dtype} but the operation's result requires dtype {dtype}"
        )
    return _f["pow"](_as(dtype, input), _as(dtype, exponent), out=out)


def float_power_(input: Tensor, exponent: Any) -> Tensor:
    """The power of a float64 or complex128 tensor, in its place. Derivative: that of pow."""
    dtype = _wide("float_power_", input, exponent)
    if input.dtype != dtype:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {input.dtype} but the operation's result requires dtype {dtype}"
        )
    return input.pow_(_as(dtype, exponent))


@composition("polar", saves=("result",))
def _polar(abs: Tensor, angle: Tensor) -> Tensor:
    return _f["complex"](abs * angle.cos(), abs * angle.sin())


@autocasts("float32")
def polar(abs: Tensor, angle: Tensor, *, out: Any = None) -> Tensor:
    """The complex numbers of these lengths and angles, both float32 or both float64.

    Derivative: by the length the direction, by the angle the number turned by a right angle.
    """
    for position, (name, x) in enumerate((("abs", abs), ("angle", angle)), 1):
        if not isinstance(x, Tensor):
            raise TypeError(f"polar(): argument '{name}' (position {position}) must be Tensor, not {type(x).__name__}")
    if abs.dtype in (_core.float16, _core.bfloat16):
        raise NotImplementedError(f"\"polar_cpu\" not implemented for '{abs.dtype}'; convert both to float32 first")
    return into_out("polar", out, _polar(abs, angle))


@composition("angle", saves=("self",))
def _angle(input: Tensor) -> Tensor:
    if input.is_complex():
        return _f["atan2"](input.imag, input.real)
    # floor has no gradient but 0, and NaN stays NaN.
    return _f["floor"](_f["where"](_f["isnan"](input), input, 0.0)) + _f["where"](input < 0, math.pi, 0.0)


def angle(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle of a complex number, or 0 and pi for the sign of a real one.

    Derivative: what turns the number, over its length; 0 for real numbers and at 0.
    """
    if not input.is_complex() and not input.is_floating_point():
        input = input.to(_core.get_default_dtype())
    return into_out("angle", out, _angle(input))
