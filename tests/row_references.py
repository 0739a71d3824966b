"""What every row of the table computes, said a second time with NumPy, for row_cases.py.

References work in float64 or complex128 (or in the integers' own dtype); where PyTorch's
convention is not NumPy's, the reference says PyTorch's.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests import special_references

Array = np.ndarray[Any, Any]

NUMPY_NAMES = {"float16": np.float16, "bfloat16": np.float32, "bool": np.bool_}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype of that name; bfloat16, which it lacks, is held as float32."""
    return np.dtype(NUMPY_NAMES.get(name, name))


def round_to_bfloat16(x: Array) -> Array:
    """Float32 rounded to the nearest bfloat16, halves to even, still as float32."""
    wide = np.ascontiguousarray(x, np.float32).view(np.uint32)
    rounded = (wide + np.uint32(0x7FFF) + ((wide >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), np.float32(np.nan), rounded.view(np.float32))


def rounded(x: Array, name: str) -> Array:
    """Float64 or float32 results as the named dtype rounds them, bfloat16 as float32."""
    with np.errstate(over="ignore", under="ignore"):
        return round_to_bfloat16(x) if name == "bfloat16" else x.astype(numpy_dtype(name))


def _sign(x: Array) -> Array:
    """0 for NaN: (x > 0) - (x < 0)."""
    return ((x > 0).astype(np.int8) - (x < 0).astype(np.int8)).astype(x.dtype)


def _sgn(x: Array) -> Array:
    if x.dtype.kind != "c":
        return _sign(x)
    size = np.abs(x)
    return np.where(size == 0, 0, x / np.where(size == 0, 1, size))


def _erf(x: Array) -> Array:
    return np.array([math.erf(v) for v in x.ravel().tolist()], x.dtype).reshape(x.shape)


def _sigmoid(x: Array) -> Array:
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1 + e)


def _integers(function: Callable[[int, int, int], int]) -> Callable[[Array, Array], Array]:
    """An integer function said with Python's unbounded integers, wrapped to the dtype's bits."""

    def apply(x: Array, y: Array) -> Array:
        size = x.dtype.itemsize * 8
        values = [function(a, b, size) for a, b in zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)]
        wrapped = [v & (2**size - 1) for v in values]
        return np.array(wrapped, np.uint64).astype(f"u{x.dtype.itemsize}").view(x.dtype)

    return apply


def _int_pow(x: int, y: int, size: int) -> int:
    """What is left of x ** y as an integer; a negative power of 1 or -1 is exact, of others 0."""
    if y < 0:
        return {1: 1, -1: -1 if y % 2 else 1}.get(x, 0)
    return pow(x, y, 2**size)


def _remainder(x: Array, y: Array) -> Array:
    """Python's %, with C's sign of a zero: that of x."""
    if x.dtype.kind != "f":
        return np.remainder(x, y)
    rest = np.fmod(x, y)
    return np.where((rest != 0) & ((y < 0) != (rest < 0)), rest + y, rest)


def _pow(x: Array, y: Array) -> Array:
    return _integers(_int_pow)(x, y) if x.dtype.kind in "iu" else np.power(x, y)


def _left(x: int, y: int, size: int) -> int:
    return x << y if 0 <= y < size else 0


def _right(x: int, y: int, size: int) -> int:
    return x >> y if 0 <= y < size else (-1 if x < 0 else 0)


def _log1p(x: Array) -> Array:
    """NumPy's, but of complex numbers: near |1 + x| = 1 its real part loses digits to cancellation."""
    if x.dtype.kind != "c":
        return np.log1p(x)
    re, im = x.real.astype(np.longdouble), x.imag.astype(np.longdouble)
    return (np.log1p(2 * re + re * re + im * im) / 2).astype(float) + 1j * np.arctan2(x.imag, 1 + x.real)


def _softplus(x: Array) -> Array:
    return np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20))))


def _huber(x: Array, y: Array) -> Array:
    d = np.abs(x - y)
    return np.where(d < 1, d * d / 2, d - 0.5)


def _bernoulli(x: Array, y: Array) -> Array:
    return (y - 1) * np.maximum(np.log1p(-x), -100) - y * np.maximum(np.log(x), -100)


def _logit_error(x: Array, y: Array, weight: Array) -> Array:
    log_yes = np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))
    return (1 - y) * x - (1 + (weight - 1) * y) * log_yes


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)


# Operands that are numbers have the values that they have when they are left out.
def _sinc(x: Array) -> Array:
    """NumPy's takes the sine of a rounded multiple of pi, which is not 0 at whole numbers."""
    if x.dtype.kind == "c":
        return np.sinc(x.astype(np.complex128)).astype(x.dtype)
    size = np.abs(x)
    rest = np.where(np.isfinite(size), size - 2 * np.rint(size / 2), np.nan)
    turn = np.abs(rest).astype(np.longdouble)
    pi = np.longdouble("3.14159265358979323846264338327950288")
    sine = np.sin(pi * np.where(turn > 0.5, 1 - turn, turn))
    result = np.copysign(sine, rest) / (pi * np.where(size == 0, 1, size))
    return np.where(size == 0, 1.0, result.astype(float) + 0.0)


def _xlogy(x: Array, y: Array) -> Array:
    return np.where((x == 0) & ~np.isnan(y), 0.0, x * np.log(y))


def _xlog1py(x: Array, y: Array) -> Array:
    return np.where((x == 0) & ~np.isnan(y), 0.0, x * np.log1p(y))


def _logit(x: Array) -> Array:
    """In extended precision: near 1/2 the logarithm is small, and the quotient's error is not."""
    wide = x.astype(np.longdouble)
    return np.log(wide / (1 - wide)).astype(float)


def _logaddexp(x: Array, y: Array) -> Array:
    if x.dtype.kind != "c":
        return np.logaddexp(x, y)
    # As PyTorch's, of the same branch: the larger operand by its real part, and a logarithm near 0.
    least, most = np.where(x.real < y.real, x, y), np.where(x.real < y.real, y, x)
    return np.log(1 + np.exp(least - most)) + most


def _fmod(x: Array, y: Array) -> Array:
    return (
        np.fmod(x, y)
        if x.dtype.kind == "f"
        else np.where(y == -1, x.dtype.type(0), np.fmod(x, np.where(y == -1, 1, y)))
    )


def _gcd(x: int, y: int, size: int) -> int:
    return math.gcd(x, y)


def _lcm(x: Array, y: Array) -> Array:
    """In the integer dtype, whose products wrap."""
    divisor = _integers(_gcd)(x, y)
    with np.errstate(all="ignore"):
        return np.abs(np.where(divisor == 0, 0, x // np.where(divisor == 0, 1, divisor)).astype(x.dtype) * y)


def _nan_to_num(x: Array) -> Array:
    """Of double precision; for narrower dtypes row_cases.py cuts the result down to their largest number."""
    return np.nan_to_num(x) if x.dtype.kind == "f" else x


REFERENCES: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "rsub": lambda x, y: np.subtract(y, x),
    "mul": np.multiply,
    "div": np.divide,
    "pow": _pow,
    "floor_divide": np.floor_divide,
    "remainder": _remainder,
    "fmod": _fmod,
    "gcd": _integers(_gcd),
    "lcm": _lcm,
    "square": np.square,
    "lerp": lambda x, y, weight: np.where(np.abs(weight) < 0.5, x + weight * (y - x), y - (y - x) * (1 - weight)),
    "addcmul": lambda x, y, z: x + y * z,
    "addcdiv": lambda x, y, z: x + y / z,
    "fmax": lambda x, y: np.where((x >= y) | np.isnan(y), x, y),
    "fmin": lambda x, y: np.where((x <= y) | np.isnan(y), x, y),
    "copysign": np.copysign,
    "heaviside": lambda x, y: np.where(x == 0, y, (x > 0).astype(x.dtype)),
    "nan_to_num": _nan_to_num,
    "conj_physical": np.conj,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "clamp_min": np.maximum,
    "clamp_max": np.minimum,
    "clamp": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "where": np.where,
    "neg": np.negative,
    "reciprocal": lambda x: 1 / x,
    "abs": np.abs,
    "sign": _sign,
    "sgn": _sgn,
    "conj": np.conj,
    "real_part": np.real,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": np.logical_not,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "bitwise_not": np.invert,
    "bitwise_left_shift": _integers(_left),
    "bitwise_right_shift": _integers(_right),
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "isinf": np.isinf,
    "isposinf": lambda x: np.isinf(x) & (x > 0),
    "isneginf": lambda x: np.isinf(x) & (x < 0),
    "signbit": lambda x: np.signbit(x) if x.dtype.kind == "f" else x < 0,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": _log1p,
    "exp2": np.exp2,
    "ldexp": lambda x, y: x * np.exp2(y),
    "log2": np.log2,
    "log10": np.log10,
    "logaddexp": _logaddexp,
    "logaddexp2": np.logaddexp2,
    "xlogy": _xlogy,
    "special_xlog1py": _xlog1py,
    "logit": _logit,
    "frac": lambda x: x - np.trunc(x),
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "atan2": np.arctan2,
    "hypot": np.hypot,
    "sinc": _sinc,
    "deg2rad": np.deg2rad,
    "rad2deg": np.rad2deg,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": _sigmoid,
    "relu": lambda x: np.where(x < 0, x.dtype.type(0), x),
    "erf": _erf,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "trunc": np.trunc,
    "silu": _silu,
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "softplus": _softplus,
    "logsigmoid": lambda x: np.where(x > 0, 0, x) - np.log1p(np.exp(-np.abs(x))),
    "elu": lambda x: np.where(x <= 0, np.expm1(x), x),
    "celu": lambda x: np.where(x <= 0, np.expm1(x), x),
    "leaky_relu": lambda x: np.where(x > 0, x, x * 0.01),
    "prelu_kernel": lambda x, weight: np.where(x > 0, x, weight * x),
    "rrelu_with_noise": lambda x, noise: np.where(x > 0, x, x * noise),
    "hardtanh": lambda x: np.minimum(np.maximum(x, np.array(-1).astype(x.dtype)), x.dtype.type(1)),
    "hardsigmoid": lambda x: np.minimum(np.maximum(x + 3, 0), 6) / 6,
    "hardswish": lambda x: x * (np.minimum(np.maximum(x + 3, 0), 6) / 6),
    "hardshrink": lambda x: np.where(np.abs(x) <= 0.5, 0, x),
    "softshrink": lambda x: np.where(x > 0.5, x - 0.5, np.where(x < -0.5, x + 0.5, x * 0)),
    "threshold": lambda x: np.where(x <= 0, x.dtype.type(0), x),
    "squared_error": lambda x, y: (x - y) ** 2,
    "smooth_l1_error": _huber,
    "huber_error": _huber,
    "bernoulli_error": _bernoulli,
    "logit_error": _logit_error,
    "soft_margin_error": lambda x, y: np.maximum(-x * y, 0) + np.log1p(np.exp(-np.abs(x * y))),
    "divergence": lambda x, y: np.where(y == 0, y, y * np.log(y)) - y * x,
    "divergence_of_log": lambda x, y: np.exp(y) * (y - x),
    **special_references.REFERENCES,
}

# How many units in the last place results may be off where a formula takes several steps.
ULPS = {
    "silu": 3,
    "mish": 6,
    "softplus": 4,
    "logsigmoid": 4,
    "elu": 2,
    "celu": 2,
    "hardsigmoid": 2,
    "hardswish": 2,
    "squared_error": 3,
    "smooth_l1_error": 3,
    "huber_error": 3,
    "bernoulli_error": 4,
    "logit_error": 4,
    "soft_margin_error": 4,
    "divergence": 4,
    "divergence_of_log": 4,
    "special_entr": 2,
}

# The same in float64 alone, where special functions are not rounded from a wider type.
ULPS_OF_FLOAT64 = special_references.ULPS


def _larger(x: Array, y: Array) -> Array:
    """The larger of two sizes, and at least about 1: what is added to it is the logarithm of 1 to 2."""
    return np.where(np.isfinite(x) & np.isfinite(y), np.maximum(np.maximum(np.abs(x), np.abs(y)), 0.7), 1.0)


# Of what size the parts are that a formula adds or multiplies, where the result can be much smaller.
SIZES: dict[str, Callable[..., Array]] = {
    "silu": lambda x: np.abs(x) * np.maximum(_sigmoid(x), 1e-30),
    "mish": lambda x: np.abs(x) * np.maximum(np.tanh(np.log1p(np.exp(x))), 1e-30),
    "softplus": lambda x: np.maximum(_softplus(x), 1e-30),
    "squared_error": lambda x, y: x * x + y * y,
    "smooth_l1_error": lambda x, y: np.abs(x) + np.abs(y),
    "huber_error": lambda x, y: np.abs(x) + np.abs(y),
    "bernoulli_error": lambda x, y: _bernoulli(x, 1.0) * np.abs(y) + _bernoulli(x, 0.0) * (np.abs(y) + 1),
    "logit_error": lambda x, y, w: (np.abs(x) + 1) * (np.abs(y) + 1) * (np.abs(w) + 1),
    "soft_margin_error": lambda x, y: np.abs(x * y) + 1,
    "divergence": lambda x, y: np.abs(y * np.log(np.where(y == 0, 1, y))) + np.abs(y * x) + np.abs(y),
    "divergence_of_log": lambda x, y: np.maximum(np.exp(y), 0.1) * (np.abs(x) + np.abs(y)),
    "logaddexp": lambda x, y: _larger(x, y),
    "logaddexp2": lambda x, y: _larger(x, y),
}

# The same among complex numbers; where nothing is said, 0.01.
COMPLEX_SIZES: dict[str, Callable[..., Array]] = {
    "sinc": lambda x: np.abs(np.cos(np.pi * x.astype(np.complex128))),
    # The sum of powers may cancel before its logarithm is taken.
    "logaddexp": lambda x, y: _larger(x, y) + (np.exp(x.real) + np.exp(y.real)) / np.abs(np.exp(x) + np.exp(y)),
}

# How far operands are from where the derivative jumps; finite differences must keep away.
KINKS: dict[str, Callable[..., Array]] = {
    "floor": lambda x: np.abs(x - np.rint(x)),
    "ceil": lambda x: np.abs(x - np.rint(x)),
    "trunc": lambda x: np.abs(x - np.rint(x)),
    "round": lambda x: np.abs(x - 0.5 - np.rint(x - 0.5)),
    "abs": np.abs,
    "sign": np.abs,
    "sgn": np.abs,
    "relu": np.abs,
    "elu": np.abs,
    "celu": np.abs,
    "leaky_relu": np.abs,
    "prelu_kernel": lambda x, weight: np.abs(x),
    "rrelu_with_noise": lambda x, noise: np.abs(x),
    "hardtanh": lambda x: np.abs(np.abs(x) - 1),
    "hardsigmoid": lambda x: np.abs(np.abs(x) - 3),
    "hardswish": lambda x: np.abs(np.abs(x) - 3),
    "hardshrink": lambda x: np.abs(np.abs(x) - 0.5),
    "softshrink": lambda x: np.abs(np.abs(x) - 0.5),
    "threshold": np.abs,
    "smooth_l1_error": lambda x, y: np.abs(np.abs(x - y) - 1),
    "huber_error": lambda x, y: np.abs(np.abs(x - y) - 1),
    "maximum": lambda x, y: np.abs(x - y),
    "minimum": lambda x, y: np.abs(x - y),
    "clamp_min": lambda x, y: np.abs(x - y),
    "clamp_max": lambda x, y: np.abs(x - y),
    "remainder": lambda x, y: np.abs(x / y - np.rint(x / y)),
    "fmod": lambda x, y: np.abs(x / y - np.rint(x / y)),
    "frac": lambda x: np.abs(x - np.rint(x)),
    "fmax": lambda x, y: np.abs(x - y),
    "fmin": lambda x, y: np.abs(x - y),
    "copysign": lambda x, y: np.minimum(np.abs(x), np.abs(y)),
    "clamp": lambda x, low, high: np.minimum(np.minimum(np.abs(x - low), np.abs(x - high)), np.abs(low - high)),
}

# Rows of several roundings, which are the dtype's own.
STEPWISE = {"lerp", "addcmul", "addcdiv"}

# Rows whose results are exact or correctly rounded: their last bit is right.
EXACT = {
    *STEPWISE,
    *"add sub rsub mul div maximum minimum clamp clamp_min clamp_max where neg reciprocal abs sign sgn conj".split(),
    *"fmod fmax fmin copysign heaviside nan_to_num conj_physical isinf isposinf isneginf signbit frac square".split(),
    *"real_part sqrt relu floor ceil round trunc floor_divide remainder isnan isfinite".split(),
    *"eq ne lt le gt ge logical_and logical_or logical_xor logical_not".split(),
}

SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 3.0, -3.0]
SPECIAL += [100.0, -100.0, 1e10, -1e10]


def special_values(name: str) -> Array:
    """NaN, infinities, both zeros, halves, the smallest and the largest numbers of a dtype."""
    if name == "bfloat16":
        edges = [2.0**-133, 2.0**-126, 3.3895313892515355e38]
    else:
        info = np.finfo(numpy_dtype(name))
        edges = [float(info.smallest_subnormal), float(info.tiny), float(info.max)]
    return rounded(np.array(SPECIAL + edges + [-edge for edge in edges]), name)


def integer_values(name: str) -> Array:
    """Both ends of an integer dtype, small numbers, and counts around its number of bits."""
    if name == "bool":
        return np.array([False, True])
    info = np.iinfo(name)
    near = [0, 1, 2, 3, 5, 7, info.bits - 1, info.bits, info.bits + 1, info.max, info.max - 1]
    below = [-1, -2, -3, -7, -info.bits, info.min, info.min + 1] if info.min < 0 else []
    return np.array(near + below, name)
