# The exponential distribution.
"""Waiting times."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["Exponential"]


class Exponential(ExponentialFamily):
    """Numbers ≥ 0 with density rate · exp(−rate x)."""

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """1 / rate."""
        return self.rate.reciprocal()

    @property
    def mode(self) -> Tensor:
        """0."""
        return tapeless.zeros_like(self.rate)

    @property
    def stddev(self) -> Tensor:
        """1 / rate."""
        return self.rate.reciprocal()

    @property
    def variance(self) -> Tensor:
        """1 / rate²."""
        return self.rate.pow(-2)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Exponential:
        """The same with its parameter broadcast to a batch shape."""
        return self._expanded(Exponential, batch_shape, _instance, rate=0)

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Standard exponential numbers over the rate."""
        return self.rate.new_empty(self._extended_shape(sample_shape)).exponential_() / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        """Log rate − rate x."""
        if self._validate_args:
            self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        """1 − exp(−rate x)."""
        if self._validate_args:
            self._validate_sample(value)
        return 1 - tapeless.exp(-self.rate * value)

    def icdf(self, value: Tensor) -> Tensor:
        """−log(1 − p) / rate."""
        return -tapeless.log1p(-value) / self.rate

    def entropy(self) -> Tensor:
        """1 − log rate."""
        return 1.0 - tapeless.log(self.rate)

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (-self.rate,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return -tapeless.log(-x)
