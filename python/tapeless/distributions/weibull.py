# The Weibull distribution.
"""Lifetimes."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.exponential import Exponential
from tapeless.distributions.transformed_distribution import TransformedDistribution
from tapeless.distributions.transforms import AffineTransform, PowerTransform
from tapeless.distributions.utils import broadcast_all, euler_constant

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """Numbers > 0 with survival function exp(−(x / scale)^c), c the concentration."""

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(tapeless.ones_like(self.scale), validate_args=validate_args)
        transforms = [
            PowerTransform(exponent=self.concentration_reciprocal),
            AffineTransform(loc=0, scale=self.scale),
        ]
        super().__init__(base, transforms, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Weibull:
        """The same with its parameters broadcast to a batch shape."""
        new = self._get_checked_instance(Weibull, _instance)
        new.scale = self.scale.expand(batch_shape)
        new.concentration = self.concentration.expand(batch_shape)
        new.concentration_reciprocal = new.concentration.reciprocal()
        base = self.base_dist.expand(batch_shape)
        transforms = [
            PowerTransform(exponent=new.concentration_reciprocal),
            AffineTransform(loc=0, scale=new.scale),
        ]
        TransformedDistribution.__init__(new, base, transforms, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        """Scale Γ(1 + 1/c)."""
        return self.scale * tapeless.exp(tapeless.lgamma(1 + self.concentration_reciprocal))

    @property
    def mode(self) -> Tensor:
        """Scale ((c − 1) / c)^(1/c)."""
        c = self.concentration
        return self.scale * ((c - 1) / c) ** c.reciprocal()

    @property
    def variance(self) -> Tensor:
        """scale² (Γ(1 + 2/c) − Γ(1 + 1/c)²)."""
        r = self.concentration_reciprocal
        return self.scale.pow(2) * (tapeless.exp(tapeless.lgamma(1 + 2 * r)) - tapeless.exp(2 * tapeless.lgamma(1 + r)))

    def entropy(self) -> Tensor:
        """γ (1 − 1/c) + log(scale / c) + 1."""
        r = self.concentration_reciprocal
        return euler_constant * (1 - r) + tapeless.log(self.scale * r) + 1
