# The Poisson distribution.
"""Counts of rare events."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """Probability rate^k exp(−rate) / k! of k = 0, 1, …"""

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The rate."""
        return self.rate

    @property
    def mode(self) -> Tensor:
        """The whole part of the rate."""
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        """The rate."""
        return self.rate

    def expand(self, batch_shape: Any, _instance: Any = None) -> Poisson:
        """The same with its parameter broadcast to a batch shape."""
        return self._expanded(Poisson, batch_shape, _instance, rate=0)

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples, of the rate's dtype."""
        with tapeless.no_grad():
            return tapeless.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """K log rate − rate − log k!."""
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (tapeless.log(self.rate),)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return tapeless.exp(x)
