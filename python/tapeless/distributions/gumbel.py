# The Gumbel distribution.
"""Largest of many numbers."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.transformed_distribution import TransformedDistribution
from tapeless.distributions.transforms import AffineTransform, ExpTransform
from tapeless.distributions.uniform import Uniform
from tapeless.distributions.utils import broadcast_all, euler_constant

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """Numbers with cdf exp(−exp(−(x − loc) / scale))."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        info = tapeless.finfo(self.loc.dtype)
        low, high = tapeless.full_like(self.loc, info.tiny), tapeless.full_like(self.loc, 1 - info.eps)
        transforms = [
            ExpTransform().inv,
            AffineTransform(loc=0, scale=-tapeless.ones_like(self.scale)),
            ExpTransform().inv,
            AffineTransform(loc=loc, scale=-self.scale),
        ]
        super().__init__(Uniform(low, high, validate_args=validate_args), transforms, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Gumbel:
        """The same with its parameters broadcast to a batch shape."""
        new = self._get_checked_instance(Gumbel, _instance)
        new.loc = self.loc.expand(batch_shape)
        new.scale = self.scale.expand(batch_shape)
        return super().expand(batch_shape, _instance=new)

    def log_prob(self, value: Tensor) -> Tensor:
        """Y − exp y − log scale, y = (loc − x) / scale."""
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    @property
    def mean(self) -> Tensor:
        """Loc + γ scale."""
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        """The parameter loc."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """π scale / √6."""
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Tensor:
        """π² scale² / 6."""
        return self.stddev.pow(2)

    def entropy(self) -> Tensor:
        """Log scale + 1 + γ."""
        return self.scale.log() + (1 + euler_constant)
