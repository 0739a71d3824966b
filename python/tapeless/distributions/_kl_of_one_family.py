# KL divergences between two distributions of one family.
"""Formulas of KL(p ‖ q) where p and q are of the same class."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions.bernoulli import Bernoulli
from tapeless.distributions.beta import Beta
from tapeless.distributions.binomial import Binomial
from tapeless.distributions.categorical import Categorical
from tapeless.distributions.cauchy import Cauchy
from tapeless.distributions.continuous_bernoulli import ContinuousBernoulli
from tapeless.distributions.dirichlet import Dirichlet
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.exponential import Exponential
from tapeless.distributions.gamma import Gamma
from tapeless.distributions.geometric import Geometric
from tapeless.distributions.gumbel import Gumbel
from tapeless.distributions.half_normal import HalfNormal
from tapeless.distributions.independent import Independent
from tapeless.distributions.kl import kl_divergence, register_kl
from tapeless.distributions.laplace import Laplace
from tapeless.distributions.lowrank_multivariate_normal import (
    LowRankMultivariateNormal,
    _batch_lowrank_logdet,
    _batch_lowrank_mahalanobis,
)
from tapeless.distributions.multivariate_normal import MultivariateNormal, _batch_mahalanobis
from tapeless.distributions.normal import Normal
from tapeless.distributions.one_hot_categorical import OneHotCategorical
from tapeless.distributions.pareto import Pareto
from tapeless.distributions.poisson import Poisson
from tapeless.distributions.transformed_distribution import TransformedDistribution
from tapeless.distributions.uniform import Uniform
from tapeless.distributions.utils import _sum_rightmost, euler_constant

__all__: list[str] = []


@register_kl(Bernoulli, Bernoulli)
def _kl_bernoulli_bernoulli(p: Any, q: Any) -> Tensor:
    softplus = tapeless.nn.functional.softplus
    of_one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    of_one = of_one.masked_fill(q.probs == 0, math.inf).masked_fill(p.probs == 0, 0)
    of_zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    of_zero = of_zero.masked_fill(q.probs == 1, math.inf).masked_fill(p.probs == 1, 0)
    return of_one + of_zero


@register_kl(Beta, Beta)
def _kl_beta_beta(p: Any, q: Any) -> Tensor:
    p1, p0, q1, q0 = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    total = p1 + p0
    norm = q1.lgamma() + q0.lgamma() + total.lgamma() - (q1 + q0).lgamma() - p1.lgamma() - p0.lgamma()
    slopes = (p1 - q1) * p1.digamma() + (p0 - q0) * p0.digamma() + (q1 + q0 - total) * total.digamma()
    return norm + slopes


@register_kl(Binomial, Binomial)
def _kl_binomial_binomial(p: Any, q: Any) -> Tensor:
    """Of equally many trials, or fewer in p; more have no common support."""
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return kl.masked_fill(p.total_count > q.total_count, math.inf)


@register_kl(Categorical, Categorical)
def _kl_categorical_categorical(p: Any, q: Any) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    impossible = (q.probs == 0).expand_as(terms)
    return terms.masked_fill(impossible, math.inf).masked_fill((p.probs == 0).expand_as(terms), 0).sum(-1)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _kl_continuous_bernoulli_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    apart = p.mean * (p.logits - q.logits) + tapeless.log1p(-p.probs) - tapeless.log1p(-q.probs)
    return apart + p._cont_bern_log_norm() - q._cont_bern_log_norm()


@register_kl(Dirichlet, Dirichlet)
def _kl_dirichlet_dirichlet(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1, True)
    norm = total.squeeze(-1).lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norm + ((a - b) * (a.digamma() - total.digamma())).sum(-1)


@register_kl(Exponential, Exponential)
def _kl_exponential_exponential(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _kl_expfamily_expfamily(p: Any, q: Any) -> Tensor:
    """The Bregman divergence of the log normalizer between the natural parameters (Nielsen and Nock, 2010)."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman "
            "divergences"
        )
    p_natural = [x.detach().requires_grad_() for x in p._natural_params]
    q_natural = q._natural_params
    with tapeless.enable_grad():
        normalizer = p._log_normalizer(*p_natural)
        slopes = tapeless.autograd.grad(normalizer.sum(), p_natural, create_graph=True)
    result = q._log_normalizer(*q_natural) - normalizer
    for own, other, slope in zip(p_natural, q_natural, slopes, strict=True):
        result = result - _sum_rightmost((other - own) * slope, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _kl_gamma_gamma(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    norm = b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma()
    return norm + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _kl_gumbel_gumbel(p: Any, q: Any) -> Tensor:
    ratio, apart, start = p.scale / q.scale, q.loc / q.scale, p.loc / q.scale
    moment = tapeless.exp(apart + (1 + ratio).lgamma() - start)
    return -ratio.log() - apart + start + ratio * euler_constant + moment - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _kl_geometric_geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - tapeless.log1p(-q.probs) / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _kl_halfnormal_halfnormal(p: Any, q: Any) -> Tensor:
    return _kl_normal_normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _kl_laplace_laplace(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    away = (p.loc - q.loc).abs()
    return -ratio.log() + away / q.scale + ratio * tapeless.exp(-away / p.scale) - 1


def _squares(matrix: Tensor) -> Tensor:
    """The trace of M Mᵀ."""
    return matrix.pow(2).flatten(-2).sum(-1)


_batch_trace_XXT = _squares  # noqa: N816


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _kl_lowrankmultivariatenormal_lowrankmultivariatenormal(p: Any, q: Any) -> Tensor:
    _same_events(p, q, "Low Rank Multivariate Normals")
    p_factor, p_diag = p._parts
    q_factor, q_diag = q._parts
    logs = _batch_lowrank_logdet(q_factor, q_diag, q._capacitance_tril) - p._log_det()
    square = _batch_lowrank_mahalanobis(q_factor, q_diag, q.loc - p.loc, q._capacitance_tril)
    # tr(Σq⁻¹ Σp) with Σq⁻¹ = D⁻¹ − Aᵀ A by the Woodbury identity, Σp = W Wᵀ + E.
    scaled = q_factor.mT / q_diag.unsqueeze(-2)
    inner = tapeless.linalg.solve_triangular(q._capacitance_tril, scaled, upper=False)
    trace = (
        (p_diag / q_diag).sum(-1)
        + _squares(p_factor * q_diag.rsqrt().unsqueeze(-1))
        - _squares(inner * p_diag.sqrt().unsqueeze(-2))
        - _squares(inner.matmul(p_factor))
    )
    return 0.5 * (logs + trace + square - p.event_shape[0])


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _kl_multivariatenormal_lowrankmultivariatenormal(p: Any, q: Any) -> Tensor:
    _same_events(p, q, "(Low Rank) Multivariate Normals")
    factor, diagonal = q._parts
    logs = _batch_lowrank_logdet(factor, diagonal, q._capacitance_tril) - 2 * p._half_log_det()
    square = _batch_lowrank_mahalanobis(factor, diagonal, q.loc - p.loc, q._capacitance_tril)
    inner = tapeless.linalg.solve_triangular(q._capacitance_tril, factor.mT / diagonal.unsqueeze(-2), upper=False)
    root = p._unbroadcasted_scale_tril
    trace = _squares(root * diagonal.rsqrt().unsqueeze(-1)) - _squares(inner.matmul(root))
    return 0.5 * (logs + trace + square - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _kl_lowrankmultivariatenormal_multivariatenormal(p: Any, q: Any) -> Tensor:
    _same_events(p, q, "(Low Rank) Multivariate Normals")
    factor, diagonal = p._parts
    return _to_full_normal(q, p.loc, (factor, tapeless.diag_embed(diagonal.sqrt())), p._log_det())


@register_kl(MultivariateNormal, MultivariateNormal)
def _kl_multivariatenormal_multivariatenormal(p: Any, q: Any) -> Tensor:
    _same_events(p, q, "Multivariate Normals")
    return _to_full_normal(q, p.loc, (p._unbroadcasted_scale_tril,), 2 * p._half_log_det())


def _to_full_normal(q: Any, loc: Tensor, roots: tuple[Tensor, ...], log_det: Tensor) -> Tensor:
    """From the normal vectors of a mean and of a covariance that is the sum of R Rᵀ over the roots R."""
    factor = q._unbroadcasted_scale_tril
    trace = sum(_squares(tapeless.linalg.solve_triangular(factor, root, upper=False)) for root in roots)
    square = _batch_mahalanobis(factor, q.loc - loc)
    return q._half_log_det() - 0.5 * log_det + 0.5 * (trace + square - q.event_shape[0])


def _same_events(p: Any, q: Any, what: str) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL-divergence between two {what} with different event shapes cannot be computed")


@register_kl(Normal, Normal)
def _kl_normal_normal(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(OneHotCategorical, OneHotCategorical)
def _kl_onehotcategorical_onehotcategorical(p: Any, q: Any) -> Tensor:
    return _kl_categorical_categorical(p._categorical, q._categorical)


@register_kl(Pareto, Pareto)
def _kl_pareto_pareto(p: Any, q: Any) -> Tensor:
    ratio = q.alpha / p.alpha
    kl = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return kl.masked_fill(p.support.lower_bound < q.support.lower_bound, math.inf)


@register_kl(Poisson, Poisson)
def _kl_poisson_poisson(p: Any, q: Any) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(TransformedDistribution, TransformedDistribution)
def _kl_transformed_transformed(p: Any, q: Any) -> Tensor:
    """The bases' divergence, where the transforms are equal."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL between TransformedDistributions needs equal transforms and event shapes")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _kl_uniform_uniform(p: Any, q: Any) -> Tensor:
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return kl.masked_fill((q.low > p.low) | (q.high < p.high), math.inf)


@register_kl(Independent, Independent)
def _kl_independent_independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL between Independents needs the same reinterpreted_batch_ndims")
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Cauchy, Cauchy)
def _kl_cauchy_cauchy(p: Any, q: Any) -> Tensor:
    """Chyzak and Nielsen, 2019."""
    together = ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log()
    return together - (4 * p.scale * q.scale).log()
