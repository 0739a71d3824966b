# The gamma distribution.
"""Sums of waiting times, and their generalization."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["Gamma"]


def _standard_gamma(concentration: Tensor) -> Tensor:
    return tapeless._standard_gamma(concentration)


class Gamma(ExponentialFamily):
    """Numbers with density rate^a x^(a−1) exp(−rate x) / Γ(a), a the concentration."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """A / rate."""
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        """(a − 1) / rate, at least 0."""
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        """A / rate²."""
        return self.concentration / self.rate.pow(2)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Gamma:
        """The same with its parameters broadcast to a batch shape."""
        return self._expanded(Gamma, batch_shape, _instance, concentration=0, rate=0)

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Standard gamma numbers over the rate; never 0.

        The gradient by the concentration keeps each number's place in the distribution (Figurnov, Mohamed and Mnih,
        2018).
        """
        shape = self._extended_shape(sample_shape)
        value = _standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=tapeless.finfo(value.dtype).tiny)  # a logarithm of it must exist
        return value

    def log_prob(self, value: Tensor) -> Tensor:
        """A log rate + (a − 1) log x − rate x − log Γ(a)."""
        value = tapeless.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        a, rate = self.concentration, self.rate
        return tapeless.xlogy(a, rate) + tapeless.xlogy(a - 1, value) - rate * value - tapeless.lgamma(a)

    def entropy(self) -> Tensor:
        """A − log rate + log Γ(a) + (1 − a) ψ(a)."""
        a = self.concentration
        return a - tapeless.log(self.rate) + tapeless.lgamma(a) + (1.0 - a) * tapeless.digamma(a)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return tapeless.lgamma(x + 1) + (x + 1) * tapeless.log(-y.reciprocal())

    def cdf(self, value: Tensor) -> Tensor:
        """The regularized incomplete gamma function."""
        if self._validate_args:
            self._validate_sample(value)
        return tapeless.special.gammainc(self.concentration, self.rate * value)
