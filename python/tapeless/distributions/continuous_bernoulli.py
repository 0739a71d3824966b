# The continuous Bernoulli distribution.
"""Numbers of [0, 1] with the density of Bernoulli's formula."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.utils import _NO_SHAPE, _BinaryParameters, _either, broadcast_all, clamp_probs
from tapeless.nn.functional import binary_cross_entropy_with_logits

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(_BinaryParameters, ExponentialFamily):
    """Density proportional to probs^x (1 − probs)^(1−x) on [0, 1] (Loaiza-Ganem and Cunningham, 2019).

    Between the two `lims` around ½, where the formulas divide by almost 0, Taylor polynomials take their place.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    _mean_carrier_measure = 0
    has_rsample = True

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._given, value = _either(probs, logits)
        (value,) = broadcast_all(value)
        if logits is None:
            if validate_args is not None and not self.arg_constraints["probs"].check(value).all():
                raise ValueError("The parameter probs has invalid values")
            value = clamp_probs(value)
        self.__dict__[self._given] = value
        self._lims = lims
        super().__init__(value.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> ContinuousBernoulli:
        """The same with its parameter broadcast to a batch shape."""
        new = self._get_checked_instance(ContinuousBernoulli, _instance)
        new._lims = self._lims
        return self._expanded(ContinuousBernoulli, batch_shape, new, probs=0, logits=0)

    def _outside_unstable_region(self) -> Tensor:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut_probs(self) -> Tensor:
        """The probabilities, at the lower limit where they lie between the limits."""
        return tapeless.where(self._outside_unstable_region(), self.probs, self._lims[0])

    @staticmethod
    def _log_odds_against(probs: Tensor) -> Tensor:
        return tapeless.log1p(-probs) - tapeless.log(probs)

    def _cont_bern_log_norm(self) -> Tensor:
        """The logarithm of what makes the density's integral 1."""
        cut = self._cut_probs()
        low, high = cut.clamp(max=0.5), cut.clamp(min=0.5)
        apart = tapeless.where(cut <= 0.5, tapeless.log1p(-2.0 * low), tapeless.log(2.0 * high - 1.0))
        log_norm = self._log_odds_against(cut).abs().log() - apart
        x = (self.probs - 0.5) ** 2
        return self._or_taylor(log_norm, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    def _or_taylor(self, formula: Tensor, taylor: Tensor) -> Tensor:
        return tapeless.where(self._outside_unstable_region(), formula, taylor)

    @property
    def mean(self) -> Tensor:
        """P / (2p − 1) + 1 / log((1 − p) / p)."""
        cut, x = self._cut_probs(), self.probs - 0.5
        formula = cut / (2.0 * cut - 1.0) + 1.0 / self._log_odds_against(cut)
        return self._or_taylor(formula, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x**2) * x)

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return tapeless.sqrt(self.variance)

    @property
    def variance(self) -> Tensor:
        """P (p − 1) / (1 − 2p)² + 1 / log²((1 − p) / p)."""
        cut, x = self._cut_probs(), (self.probs - 0.5) ** 2
        formula = cut * (cut - 1.0) / (1.0 - 2.0 * cut) ** 2 + 1.0 / self._log_odds_against(cut) ** 2
        return self._or_taylor(formula, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples that no gradient passes."""
        with tapeless.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """From uniform numbers by the inverse cdf."""
        shape = self._extended_shape(sample_shape)
        return self.icdf(tapeless.rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def log_prob(self, value: Tensor) -> Tensor:
        """The Bernoulli formula and the norm."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        """(p^x (1 − p)^(1−x) + p − 1) / (2p − 1)."""
        if self._validate_args:
            self._validate_sample(value)
        cut = self._cut_probs()
        formula = (cut**value * (1.0 - cut) ** (1.0 - value) + cut - 1.0) / (2.0 * cut - 1.0)
        inside = self._or_taylor(formula, value)
        below = tapeless.where(value <= 0.0, tapeless.zeros_like(inside), inside)
        return tapeless.where(value >= 1.0, tapeless.ones_like(inside), below)

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of the cdf."""
        cut = self._cut_probs()
        against = tapeless.log1p(-cut)
        formula = (tapeless.log1p(-cut + value * (2.0 * cut - 1.0)) - against) / (tapeless.log(cut) - against)
        return self._or_taylor(formula, value)

    def entropy(self) -> Tensor:
        """Mean · log((1 − p) / p) − log norm − log(1 − p)."""
        against = tapeless.log1p(-self.probs)
        return self.mean * (against - tapeless.log(self.probs)) - self._cont_bern_log_norm() - against

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        cut = tapeless.where(outside, x, self._lims[0] - 0.5)
        formula = tapeless.expm1(cut).abs().log() - cut.abs().log()
        return tapeless.where(outside, formula, 0.5 * x + x**2 / 24.0 - x**4 / 2880.0)
