# How a beta number moves with its first parameter, by quadrature.
"""The implicit derivative of beta numbers.

With F the cdf and f the density of Beta(a, b), a number x that keeps its place F(x; a, b) moves by −(∂F/∂a) / f(x)
when a moves. As ∂F/∂a is the integral of f(t) (log t − E log T) from 0 to x, and minus that from x to 1, it is taken on
the side where log t − E log T has one sign, so that nothing cancels. The part of the interval that is left is x e^(−y)
(or its mirror image), y from 0 to ∞, and the integrand is summed at equal steps of log y (Takahasi and Mori, 1974): it
falls there on both sides, however far apart its scales lie.
"""

from __future__ import annotations

import tapeless
from tapeless import Tensor

__all__: list[str] = []

_STEPS = 200
_CHUNK = 4096
_NEGLIGIBLE = 45.0  # exp of minus this is below a double's epsilon
_BEGIN = 26.0  # the logarithm of how far below the shortest scale the sum begins


def beta_slopes(x: Tensor, a: Tensor, total: Tensor) -> Tensor:
    """(dx/da) / (1 − x) of numbers x of Beta(a, total − a), elementwise; computed in float64."""
    shape, dtype = x.shape, x.dtype
    flat = [part.detach().double().reshape(-1) for part in (x, a, total)]
    pieces = [_slopes(*parts) for parts in zip(*(part.split(_CHUNK) for part in flat), strict=True)]
    return tapeless.cat(pieces).reshape(shape).to(dtype) if pieces else tapeless.zeros(shape, dtype=dtype)


def _slopes(x: Tensor, a: Tensor, total: Tensor) -> Tensor:
    info = tapeless.finfo(tapeless.float64)
    x = x.clamp(info.tiny, 1 - info.eps / 2)
    b = total - a
    distance = x.log() - (a.digamma() - total.digamma())
    left = distance < 0
    # The powers of the end that is integrated to and of the other end, and the odds of the other end.
    near, far = tapeless.where(left, a, b), tapeless.where(left, b, a)
    odds = tapeless.where(left, x / (1 - x), (1 - x) / x)
    steep = near + (far - 1).abs() * odds + ((far - 1).abs() * odds * (1 + odds)).sqrt()
    start, end = -steep.log() - _BEGIN, (_NEGLIGIBLE / near).log()
    step = (end - start) / (_STEPS - 1)
    at = tapeless.arange(_STEPS, dtype=tapeless.float64)
    y = (start + step * at[:, None]).exp()
    rise = (-odds * (-y).expm1()).log1p()
    weights = (-near * y + (far - 1) * rise).exp() * y
    # log t is log x − y on the left and log x + rise on the right.
    terms = weights * tapeless.where(left, y - distance, distance + rise)
    return terms.sum(0) * step * tapeless.where(left, odds, tapeless.ones_like(odds))
