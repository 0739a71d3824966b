# The negative binomial distribution.
"""Successes before a number of failures."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.gamma import Gamma
from tapeless.distributions.utils import _NO_SHAPE, _BinaryParameters, _either, broadcast_all, lazy_property
from tapeless.nn.functional import logsigmoid

__all__ = ["NegativeBinomial"]


class NegativeBinomial(_BinaryParameters, Distribution):
    """How many trials succeed, with probability `probs` each, before `total_count` of them failed."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._given, value = _either(probs, logits)
        self.total_count, self.__dict__[self._given] = broadcast_all(total_count, value)
        self.total_count = self.total_count.type_as(self._param)
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> NegativeBinomial:
        """The same with its parameters broadcast to a batch shape."""
        return self._expanded(NegativeBinomial, batch_shape, _instance, total_count=0, probs=0, logits=0)

    @property
    def mean(self) -> Tensor:
        """N times the odds."""
        return self.total_count * tapeless.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        """⌊(n − 1) · odds⌋, at least 0."""
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        """The mean over 1 − p."""
        return self.mean / tapeless.sigmoid(-self.logits)

    @lazy_property
    def _gamma(self) -> Gamma:
        # Poisson counts whose rate is a gamma number are such counts.
        return Gamma(concentration=self.total_count, rate=tapeless.exp(-self.logits), validate_args=False)

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Poisson counts with gamma rates."""
        with tapeless.no_grad():
            return tapeless.poisson(self._gamma.sample(sample_shape=sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """log Γ(n + k)/(k! Γ(n)) + n log(1 − p) + k log p."""
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        unnormalized = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        normalization = -tapeless.lgamma(n + value) + tapeless.lgamma(1.0 + value) + tapeless.lgamma(n)
        return unnormalized - normalization.masked_fill(n + value == 0.0, 0.0)
