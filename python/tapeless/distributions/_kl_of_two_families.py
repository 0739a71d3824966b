# KL divergences between distributions of different families.
"""Formulas of KL(p ‖ q) where p and q are of different classes.

Where q cannot take a value that p takes, the divergence is ∞. Elsewhere it is −(entropy of p) − E_p[log q].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions.bernoulli import Bernoulli
from tapeless.distributions.beta import Beta
from tapeless.distributions.binomial import Binomial
from tapeless.distributions.continuous_bernoulli import ContinuousBernoulli
from tapeless.distributions.exponential import Exponential
from tapeless.distributions.gamma import Gamma
from tapeless.distributions.gumbel import Gumbel
from tapeless.distributions.kl import register_kl
from tapeless.distributions.laplace import Laplace
from tapeless.distributions.normal import Normal
from tapeless.distributions.pareto import Pareto
from tapeless.distributions.poisson import Poisson
from tapeless.distributions.uniform import Uniform
from tapeless.distributions.utils import euler_constant

__all__: list[str] = []

_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)


def _infinite_like(tensor: Tensor) -> Tensor:
    return tapeless.full_like(tensor, math.inf)


def _x_log_x(tensor: Tensor) -> Tensor:
    return tapeless.special.xlogy(tensor, tensor)


def _no_common_support(p: type, shape_of: Callable[[Any], Tensor], *others: type) -> None:
    """Registers ∞ for p against what cannot take all of p's values."""

    def infinity(p: Any, q: Any) -> Tensor:
        return _infinite_like(shape_of(p))

    infinity.__name__ = f"_kl_{p.__name__.lower()}_infinity"
    for q in others:
        register_kl(p, q)(infinity)


_no_common_support(Beta, lambda p: p.concentration1, Pareto)
_no_common_support(ContinuousBernoulli, lambda p: p.probs, Pareto)
_no_common_support(Exponential, lambda p: p.rate, Uniform, Pareto, ContinuousBernoulli, Beta)
_no_common_support(Gamma, lambda p: p.concentration, Uniform, Pareto, ContinuousBernoulli, Beta)
_no_common_support(Gumbel, lambda p: p.loc, Uniform, Pareto, Gamma, Exponential, ContinuousBernoulli, Beta)
_no_common_support(Laplace, lambda p: p.loc, Uniform, Pareto, Gamma, Exponential, ContinuousBernoulli, Beta)
_no_common_support(Normal, lambda p: p.loc, Uniform, Pareto, Gamma, Exponential, ContinuousBernoulli, Beta)
_no_common_support(Pareto, lambda p: p.scale, Uniform, ContinuousBernoulli, Beta)
_no_common_support(Poisson, lambda p: p.rate, Binomial, Bernoulli)


def _to_normal(p: Any, q: Any) -> Tensor:
    """To a normal distribution, which asks for p's mean and variance only."""
    spread = p.variance + (p.mean - q.loc).pow(2)
    return -p.entropy() + 0.5 * spread / q.scale.pow(2) + q.scale.log() + _LOG_ROOT_2PI


def _mean_log(p: Any) -> Tensor:
    """E log x."""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Gamma):
        return p.concentration.digamma() - p.rate.log()
    if isinstance(p, Exponential):
        return -p.rate.log() - euler_constant
    return p.alpha.reciprocal() + p.scale.log()  # Pareto


def _to_gamma(p: Any, q: Any) -> Tensor:
    """To a gamma distribution, which asks for p's mean and mean logarithm."""
    norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    return -p.entropy() + norm - (q.concentration - 1) * _mean_log(p) + q.rate * p.mean


def _to_exponential(p: Any, q: Any) -> Tensor:
    """To an exponential distribution, which asks for p's mean."""
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Bernoulli, Poisson)
def _kl_bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, ContinuousBernoulli)
def _kl_beta_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return -p.entropy() - p.mean * q.logits - tapeless.log1p(-q.probs) - q._cont_bern_log_norm()


register_kl(Beta, Exponential)(_to_exponential)
register_kl(Beta, Gamma)(_to_gamma)
register_kl(Beta, Normal)(_to_normal)


@register_kl(Beta, Uniform)
def _kl_beta_uniform(p: Any, q: Any) -> Tensor:
    kl = -p.entropy() + (q.high - q.low).log()
    return kl.masked_fill((q.low > p.support.lower_bound) | (q.high < p.support.upper_bound), math.inf)


register_kl(ContinuousBernoulli, Exponential)(_to_exponential)
register_kl(ContinuousBernoulli, Normal)(_to_normal)


@register_kl(ContinuousBernoulli, Uniform)
def _kl_continuous_bernoulli_uniform(p: Any, q: Any) -> Tensor:
    kl = -p.entropy() + (q.high - q.low).log()
    outside = (q.low > p.support.lower_bound) | (q.high < p.support.upper_bound)
    return tapeless.where(outside, tapeless.full_like(kl, math.inf), kl)


register_kl(Exponential, Gamma)(_to_gamma)


@register_kl(Exponential, Gumbel)
def _kl_exponential_gumbel(p: Any, q: Any) -> Tensor:
    apart = q.loc / q.scale
    product = p.rate * q.scale
    moment = tapeless.exp(apart) * product / (product + 1)
    return product.log() - 1 - apart + product.reciprocal() + moment


register_kl(Exponential, Normal)(_to_normal)
register_kl(Gamma, Exponential)(_to_exponential)


@register_kl(Gamma, Gumbel)
def _kl_gamma_gumbel(p: Any, q: Any) -> Tensor:
    product, apart, a = p.rate * q.scale, q.loc / q.scale, p.concentration
    moment = tapeless.exp(apart) * (1 + product.reciprocal()).pow(-a)
    return (a - 1) * a.digamma() - a.lgamma() - a + product.log() + a / product - apart + moment


register_kl(Gamma, Normal)(_to_normal)
register_kl(Gumbel, Normal)(_to_normal)
register_kl(Laplace, Normal)(_to_normal)


@register_kl(Normal, Gumbel)
def _kl_normal_gumbel(p: Any, q: Any) -> Tensor:
    start, ratio, apart = p.loc / q.scale, (p.scale / q.scale).pow(2), q.loc / q.scale
    moment = tapeless.exp(-start + 0.5 * ratio + apart)
    return -0.5 * ratio.log() + start - apart + moment - (0.5 + _LOG_ROOT_2PI)


@register_kl(Normal, Laplace)
def _kl_normal_laplace(p: Any, q: Any) -> Tensor:
    away = p.loc - q.loc
    ratio = away / p.scale
    density = math.sqrt(2 / math.pi) * p.scale * tapeless.exp(-0.5 * ratio.pow(2))
    mean_distance = density + away * tapeless.erf(math.sqrt(0.5) * ratio)
    return -p.entropy() + (2 * q.scale).log() + mean_distance / q.scale


def _infinite_up_to(p: Any, least: float, kl: Tensor) -> Tensor:
    """∞ where the power is so small that p lacks the moment."""
    return kl.masked_fill(p.alpha <= least, math.inf)


@register_kl(Pareto, Exponential)
def _kl_pareto_exponential(p: Any, q: Any) -> Tensor:
    return _infinite_up_to(p, 1, _to_exponential(p, q))


@register_kl(Pareto, Gamma)
def _kl_pareto_gamma(p: Any, q: Any) -> Tensor:
    return _infinite_up_to(p, 1, _to_gamma(p, q))


@register_kl(Pareto, Normal)
def _kl_pareto_normal(p: Any, q: Any) -> Tensor:
    # Written out, so that the derivative is 0 where this is infinite.
    a, unit = p.alpha, p.scale / (p.alpha - 1)
    spread = a * unit.pow(2) / (a - 2) + (a * unit - q.loc).pow(2)
    return _infinite_up_to(p, 2, -p.entropy() + 0.5 * spread / q.scale.pow(2) + q.scale.log() + _LOG_ROOT_2PI)


def _uniform_mean_log(p: Any) -> tuple[Tensor, Tensor]:
    """E log x and E log(1 − x) of a uniform number."""
    width = p.high - p.low
    of_x = (_x_log_x(p.high) - _x_log_x(p.low)) / width - 1
    of_rest = (_x_log_x(1 - p.low) - _x_log_x(1 - p.high)) / width - 1
    return of_x, of_rest


@register_kl(Uniform, Beta)
def _kl_uniform_beta(p: Any, q: Any) -> Tensor:
    a, b = q.concentration1, q.concentration0
    of_x, of_rest = _uniform_mean_log(p)
    kl = -(p.high - p.low).log() - (a - 1) * of_x - (b - 1) * of_rest + a.lgamma() + b.lgamma() - (a + b).lgamma()
    return kl.masked_fill((p.high > q.support.upper_bound) | (p.low < q.support.lower_bound), math.inf)


@register_kl(Uniform, ContinuousBernoulli)
def _kl_uniform_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    kl = -p.entropy() - p.mean * q.logits - tapeless.log1p(-q.probs) - q._cont_bern_log_norm()
    outside = (p.high > q.support.upper_bound) | (p.low < q.support.lower_bound)
    return tapeless.where(outside, tapeless.full_like(kl, math.inf), kl)


def _infinite_below(p: Any, least: Any, kl: Tensor) -> Tensor:
    """∞ where p takes values below what q can take."""
    return kl.masked_fill(p.low < least, math.inf)


@register_kl(Uniform, Exponential)
def _kl_uniform_exponential(p: Any, q: Any) -> Tensor:
    return _infinite_below(p, q.support.lower_bound, _to_exponential(p, q))


@register_kl(Uniform, Gamma)
def _kl_uniform_gamma(p: Any, q: Any) -> Tensor:
    a, rate = q.concentration, q.rate
    kl = -p.entropy() - a * rate.log() + a.lgamma() - (a - 1) * _uniform_mean_log(p)[0] + rate * p.mean
    return _infinite_below(p, q.support.lower_bound, kl)


@register_kl(Uniform, Gumbel)
def _kl_uniform_gumbel(p: Any, q: Any) -> Tensor:
    width = (p.high - p.low) / q.scale
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    moment = (tapeless.exp(-low) - tapeless.exp(-high)) / width
    return 0.5 * (high + low) + moment - width.log()


register_kl(Uniform, Normal)(_to_normal)


@register_kl(Uniform, Pareto)
def _kl_uniform_pareto(p: Any, q: Any) -> Tensor:
    kl = -p.entropy() - q.alpha.log() - q.alpha * q.scale.log() + (q.alpha + 1) * _uniform_mean_log(p)[0]
    return _infinite_below(p, q.support.lower_bound, kl)
