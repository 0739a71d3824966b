# The Cauchy distribution.
"""Numbers without a mean."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["Cauchy"]


class Cauchy(Distribution):
    """Numbers with density 1 / (π scale (1 + ((x − loc) / scale)²)): quotients of normal numbers."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Cauchy:
        """The same with its parameters broadcast to a batch shape."""
        return self._expanded(Cauchy, batch_shape, _instance, loc=0, scale=0)

    def _everywhere(self, number: float) -> Tensor:
        return tapeless.full(self._extended_shape(), number, dtype=self.loc.dtype, device=self.loc.device)

    @property
    def mean(self) -> Tensor:
        """NaN: there is none."""
        return self._everywhere(math.nan)

    @property
    def mode(self) -> Tensor:
        """The parameter loc."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """∞."""
        return self._everywhere(math.inf)

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """loc + scale · (standard Cauchy numbers)."""
        return self.loc + self.loc.new_empty(self._extended_shape(sample_shape)).cauchy_() * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        """−log π − log scale − log(1 + ((x − loc) / scale)²)."""
        if self._validate_args:
            self._validate_sample(value)
        return -math.log(math.pi) - self.scale.log() - ((value - self.loc) / self.scale).pow(2).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        """½ + atan((x − loc) / scale) / π."""
        if self._validate_args:
            self._validate_sample(value)
        return tapeless.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value: Tensor) -> Tensor:
        """Loc + scale tan π(p − ½)."""
        return tapeless.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self) -> Tensor:
        """log 4π scale."""
        return math.log(4 * math.pi) + self.scale.log()
