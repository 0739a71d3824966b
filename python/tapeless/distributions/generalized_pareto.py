# The generalized Pareto distribution.
"""What lies beyond a high threshold."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Survival function (1 + c z)^(−1/c) of z = (x − loc) / scale, c the concentration; exp(−z) for c = 0.

    c < 0 has a bounded support, c > 0 heavy tails.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> GeneralizedPareto:
        """The same with its parameters broadcast to a batch shape."""
        return self._expanded(GeneralizedPareto, batch_shape, _instance, loc=0, scale=0, concentration=0)

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """From uniform numbers by the inverse cdf."""
        shape = self._extended_shape(sample_shape)
        return self.icdf(tapeless.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def _z(self, x: Tensor) -> Tensor:
        return (x - self.loc) / self.scale

    def _by_concentration(self) -> tuple[Tensor, Tensor]:
        """Where the concentration counts as 0, and the concentration with 1 there."""
        zero = tapeless.isclose(self.concentration, self.concentration.new_zeros(()))
        return zero, tapeless.where(zero, tapeless.ones_like(self.concentration), self.concentration)

    def log_prob(self, value: Tensor) -> Tensor:
        """−log scale − (1/c + 1) log(1 + c z)."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        zero, c = self._by_concentration()
        power = 1 / c + tapeless.ones_like(z)
        rest = tapeless.where(power == 0, power, power * tapeless.log1p(c * z))
        return -self.scale.log() - tapeless.where(zero, z, rest)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """−log(1 + c z) / c."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        zero, c = self._by_concentration()
        return tapeless.where(zero, -z, -tapeless.log1p(c * z) / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        """log(1 − survival)."""
        return tapeless.log1p(-tapeless.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        """1 − survival."""
        return tapeless.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        """Loc + scale ((1 − p)^(−c) − 1) / c."""
        zero, c = self._by_concentration()
        left = tapeless.log1p(-value)
        return self.loc + self.scale * tapeless.where(zero, -left, tapeless.expm1(-c * left) / c)

    @property
    def mean(self) -> Tensor:
        """Loc + scale / (1 − c), NaN from c = 1 on."""
        c = self.concentration
        return tapeless.where(c < 1, self.loc + self.scale / (1 - c), float("nan"))

    @property
    def variance(self) -> Tensor:
        """scale² / ((1 − c)² (1 − 2c)), NaN from c = ½ on."""
        c = self.concentration
        return tapeless.where(c < 0.5, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), float("nan"))

    def entropy(self) -> Tensor:
        """Log scale + c + 1."""
        return (tapeless.log(self.scale) + self.concentration + 1).expand(self._batch_shape)

    @property
    def mode(self) -> Tensor:
        """The parameter loc."""
        return self.loc

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """From loc on; up to loc − scale / c where c < 0."""
        c = self.concentration
        high = tapeless.where(c < 0, self.loc - self.scale / c, float("inf"))
        return constraints.interval(self.loc, high)
