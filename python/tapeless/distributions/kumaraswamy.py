# The Kumaraswamy distribution.
"""Numbers between 0 and 1, with a cdf that can be inverted."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.transformed_distribution import TransformedDistribution
from tapeless.distributions.transforms import AffineTransform, PowerTransform
from tapeless.distributions.uniform import Uniform
from tapeless.distributions.utils import broadcast_all, euler_constant

__all__ = ["Kumaraswamy"]


def _moments(a: Tensor, b: Tensor, n: int) -> Tensor:
    """The mean of x^n: b B(1 + n/a, b)."""
    first = 1 + n / a
    return tapeless.exp(first.lgamma() + b.lgamma() - (first + b).lgamma()) * b


class Kumaraswamy(TransformedDistribution):
    """Numbers with cdf 1 − (1 − x^a)^b; a is concentration1, b is concentration0 (Kumaraswamy, 1980)."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        zeros, ones = tapeless.zeros_like(self.concentration0), tapeless.ones_like(self.concentration0)
        transforms = [
            PowerTransform(exponent=self.concentration0.reciprocal()),
            AffineTransform(loc=1.0, scale=-1.0),
            PowerTransform(exponent=self.concentration1.reciprocal()),
        ]
        super().__init__(Uniform(zeros, ones, validate_args=validate_args), transforms, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Kumaraswamy:
        """The same with its parameters broadcast to a batch shape."""
        new = self._get_checked_instance(Kumaraswamy, _instance)
        new.concentration1 = self.concentration1.expand(batch_shape)
        new.concentration0 = self.concentration0.expand(batch_shape)
        return super().expand(batch_shape, _instance=new)

    @property
    def mean(self) -> Tensor:
        """The first moment."""
        return _moments(self.concentration1, self.concentration0, 1)

    @property
    def mode(self) -> Tensor:
        """((a − 1) / (a b − 1))^(1/a) for a, b ≥ 1, not both 1; NaN elsewhere."""
        a, b = self.concentration1, self.concentration0
        mode = ((a - 1) / (a * b - 1)).pow(a.reciprocal())
        return mode.masked_fill((a < 1) | (b < 1), float("nan"))

    @property
    def variance(self) -> Tensor:
        """From the first two moments."""
        return _moments(self.concentration1, self.concentration0, 2) - self.mean.pow(2)

    def entropy(self) -> Tensor:
        """(1 − 1/b) + (1 − 1/a) H(b) − log a b, H the harmonic number."""
        a, b = self.concentration1, self.concentration0
        harmonic = tapeless.digamma(b + 1) + euler_constant
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - tapeless.log(a) - tapeless.log(b)
