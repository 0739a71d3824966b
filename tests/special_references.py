"""References for the rows of special functions, in 80-bit arithmetic and by other ways than the rows' own."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Wide = np.longdouble
Function = Callable[..., Any]

PI = Wide("3.14159265358979323846264338327950288")
INF = Wide(math.inf)
NAN = Wide(math.nan)


def _each(function: Function) -> Callable[..., Array]:
    """A function of numbers, applied to arrays; NaN in gives NaN out."""

    def apply(*arrays: Array) -> Array:
        results = []
        for values in zip(*(np.ravel(x).astype(Wide) for x in arrays), strict=True):
            results.append(NAN if any(map(np.isnan, values)) else function(*values))
        return np.array(results, Wide).reshape(arrays[0].shape).astype(np.float64)

    return apply


def _erfc(x: Any) -> Any:
    """Near 0 by the series of erf (DLMF 7.6.2), far from it by a continued fraction (7.9.1)."""
    if x < 0:
        return 2 - _erfc(-x)
    if x < 1.5:
        term = total = x
        for n in range(1, 100):
            term = term * 2 * x * x / (2 * n + 1)
            total = total + term
        return 1 - 2 / np.sqrt(PI) * np.exp(-x * x) * total
    return np.exp(-x * x) * _erfcx(x)


def _erfcx(x: Any) -> Any:
    if x < 1.5:
        return np.exp(x * x) * _erfc(x)
    if x > 1e8:
        return 1 / (x * np.sqrt(PI))
    fraction = x
    for n in range(400, 0, -1):
        fraction = x + n / Wide(2) / fraction
    return 1 / (fraction * np.sqrt(PI))


def _log_erfc(x: Any) -> Any:
    if x == -INF:
        return np.log(Wide(2))
    return np.log(_erfcx(x)) - x * x if x > 0 else np.log1p(-_erfc(-x) / 2) + np.log(Wide(2))


def _erfc_inverse(t: Any) -> Any:
    """By bisection and Newton's method on the logarithm of erfc, for t <= 1."""
    low, high = Wide(0), Wide(40)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_erfc(middle) > np.log(t) else (low, middle)
    z = (low + high) / 2
    for _ in range(4):
        z = z + (_log_erfc(z) - np.log(t)) * _erfcx(z) * np.sqrt(PI) / 2
    return z


def _erfinv(y: Any) -> Any:
    if abs(y) > 1:
        return NAN
    if abs(y) == 1 or y == 0:
        return y if y == 0 else y * INF
    if abs(y) > 0.5:
        return np.copysign(_erfc_inverse(1 - abs(y)), y)
    z = y * np.sqrt(PI) / 2
    for _ in range(6):
        z = z + (y - (1 - _erfc(z) if abs(z) > 1e-3 else 2 / np.sqrt(PI) * (z - z**3 / 3 + z**5 / 10))) * np.sqrt(
            PI
        ) / 2 * np.exp(z * z)
    return z


def _ndtri(p: Any) -> Any:
    if not 0 < p < 1:
        return -INF if p == 0 else INF if p == 1 else NAN
    root = np.sqrt(Wide(2))
    if 0.25 < p < 0.75:
        return root * _erfinv(2 * p - 1)
    return -root * _erfc_inverse(2 * p) if p < 0.5 else root * _erfc_inverse(2 * (1 - p))


def _log_ndtr(x: Any) -> Any:
    if x > 0:
        return np.log1p(-_erfc(x / np.sqrt(Wide(2))) / 2) if x < 1e3 else Wide(-0.0)
    if x < -1e9:
        return -x * x / 2
    return np.log(_erfcx(-x / np.sqrt(Wide(2))) / 2) - x * x / 2


def _bernoulli(count: int) -> list[Any]:
    """B2, B4 ... as fractions of integers would give them, rounded once."""
    from fractions import Fraction

    b = [Fraction(1)]
    for n in range(1, 2 * count + 1):
        b.append(-sum(Fraction(math.comb(n + 1, k)) * b[k] for k in range(n)) / (n + 1))
    return [Wide(b[2 * k].numerator) / Wide(b[2 * k].denominator) for k in range(1, count + 1)]


BERNOULLI = _bernoulli(14)


def _lgamma(x: Any) -> Any:
    """Stirling's series beyond 40, recurrence below, reflection for negative numbers."""
    if x <= 0:
        if x == np.floor(x):
            return INF
        sine = abs(np.sin(PI * (x - np.rint(x))))
        return np.log(PI / (-x)) - np.log(sine) - _lgamma(-x)
    if x in (1, 2) or x == INF:
        return Wide(0) if x < 3 else INF
    product = Wide(1)
    while x < 40:
        product, x = product * x, x + 1
    series = sum(b / (2 * k * (2 * k - 1) * x ** (2 * k - 1)) for k, b in enumerate(BERNOULLI[:8], 1)) if x < 1e9 else 0
    return (x - Wide(0.5)) * np.log(x) - x + np.log(2 * PI) / 2 + series - np.log(product)


def _digamma(x: Any) -> Any:
    if x == 0:
        return -1 / x
    if x < 0:
        if x == np.floor(x):
            return NAN
        return _digamma(1 - x) - PI / np.tan(PI * (x - np.rint(x)))
    total = Wide(0)
    while x < 40:
        total, x = total - 1 / x, x + 1
    if x == INF:
        return INF
    series = sum(b / (2 * k * x ** (2 * k)) for k, b in enumerate(BERNOULLI[:8], 1)) if x < 1e9 else 0
    return total + np.log(x) - 1 / (2 * x) - series


def _zeta(s: Any, q: Any) -> Any:
    """Terms one by one up to 40, then Euler's and Maclaurin's formula."""
    if s <= 1:
        return INF if s == 1 else NAN
    if q <= 0 and (q == np.floor(q) or s != np.floor(s)):
        return INF if q == np.floor(q) else NAN
    total = Wide(0)
    while q < (40 if s < 1e4 else 1):
        total, q = total + q**-s, q + 1
    if s >= 1e4 or q == INF:
        return total + (q**-s if q != INF else Wide(0))
    if q > 1e9:
        return q ** (1 - s) * (1 / (s - 1) + 1 / (2 * q))
    total = total + q ** (1 - s) / (s - 1) + q**-s / 2
    factor = s * q ** (-s - 1) / 2
    for k, b in enumerate(BERNOULLI, 1):
        total = total + b * factor
        factor = factor * (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2)) / (q * q)
    return total


def _bessel(order: int, x: Any) -> Any:
    """e^-|x| I(x): the power series (10.25.2), or the asymptotic one (10.40.1) beyond 40."""
    size = abs(x)
    if size == INF:
        return np.copysign(Wide(0), x) if order else Wide(0)
    if size > 40:
        term = total = Wide(1)
        for k in range(1, 30):
            term = -term * (4 * order**2 - (2 * k - 1) ** 2) / (k * 8 * size)
            total = total + term
        scaled = total / np.sqrt(2 * PI * size)
    else:
        term = total = Wide(1) if order == 0 else size / 2
        for k in range(1, 120):
            term = term * (size / 2) ** 2 / (k * (k + order))
            total = total + term
        scaled = total * np.exp(-size)
    return np.copysign(scaled, x) if order else scaled


def _unscaled(order: int) -> Function:
    def apply(x: Any) -> Any:
        if abs(x) == INF:
            return abs(x) if order == 0 else x
        return _bessel(order, x) * np.exp(abs(x))

    return apply


def _lower_and_upper(a: Any, x: Any) -> tuple[Any, Any]:
    """P and Q (8.7.1 or 8.9.2), each to its own precision."""
    if a < 0 or x < 0 or (a == 0 and x == 0) or (a == INF and x == INF):
        return NAN, NAN
    if a == 0 or x == INF or (a > 1e8 and x > a):
        return Wide(1), Wide(0)
    if x == 0 or a == INF or (a > 1e8 and x < a):
        return Wide(0), Wide(1)
    if a > 1e8:  # x is a: the mean is a little above the median.
        above = 1 / (3 * np.sqrt(2 * PI * a))
        return Wide(0.5) + above, Wide(0.5) - above
    front = np.exp(a * np.log(x) - x - _lgamma(a + 1)) if x < 1e6 else Wide(0)
    if x > max(a, 2):
        fraction = x + 401 - a
        for n in range(200, 0, -1):
            fraction = x + 2 * n - 1 - a - n * (n - a) / fraction
        upper = front * a / fraction
        return 1 - upper, upper
    if a < 0.01:  # What is left of 1 is a times the exponential integral (6.6.2), to the first order in a.
        euler = Wide("0.57721566490153286060651209008240243")
        series = sum((-x) ** n / (n * math.factorial(n)) for n in range(1, 60))
        upper = a * (-euler - np.log(x) - series)
        return 1 - upper, upper
    term = total = Wide(1)
    for n in range(1, 2000):
        term = term * x / (a + n)
        total = total + term
    return front * total, 1 - front * total


def _entr(x: Any) -> Any:
    return -INF if x < 0 else Wide(0) if x == 0 else -x * np.log(x)


def _erfcx_anywhere(x: Any) -> Any:
    return _erfcx(x) if x >= 0 else 2 * np.exp(x * x) - _erfcx(-x)


REFERENCES: dict[str, Callable[..., Any]] = {
    "erfc": _each(_erfc),
    "erfinv": _each(_erfinv),
    "lgamma": _each(_lgamma),
    "digamma": _each(_digamma),
    "i0": _each(_unscaled(0)),
    "special_i0e": _each(lambda x: _bessel(0, x)),
    "special_i1": _each(_unscaled(1)),
    "special_i1e": _each(lambda x: _bessel(1, x)),
    "igamma": _each(lambda a, x: _lower_and_upper(a, x)[0]),
    "igammac": _each(lambda a, x: _lower_and_upper(a, x)[1]),
    "special_zeta": _each(_zeta),
    "special_entr": _each(_entr),
    "special_ndtri": _each(_ndtri),
    "special_log_ndtr": _each(_log_ndtr),
    "special_erfcx": _each(_erfcx_anywhere),
}

# Units in the last place that results in float64 may be off: more than elsewhere, and more yet where special values
# lie next to zeros of the function.
ULPS = dict.fromkeys(REFERENCES, 6.0) | {"igamma": 24.0, "igammac": 24.0}
ULPS |= {"lgamma": 16.0, "digamma": 40.0, "special_zeta": 256.0}
