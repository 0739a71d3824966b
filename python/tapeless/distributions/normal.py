# The normal distribution.
"""Normal (Gaussian) numbers."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.utils import _NO_SHAPE, _standard_normal, broadcast_all

__all__ = ["Normal"]


class Normal(ExponentialFamily):
    """Numbers with density exp(−(x − loc)² / 2 scale²) / (scale √2π)."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The parameter loc."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """The parameter loc."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """The parameter scale."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """scale²."""
        return self.stddev.pow(2)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Normal:
        """The same with its parameters broadcast to a batch shape."""
        return self._expanded(Normal, batch_shape, _instance, loc=0, scale=0)

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples that no gradient passes."""
        shape = self._extended_shape(sample_shape)
        with tapeless.no_grad():
            return tapeless.normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """loc + scale · (standard normal numbers)."""
        shape = self._extended_shape(sample_shape)
        return self.loc + _standard_normal(shape, dtype=self.loc.dtype, device=self.loc.device) * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        """−(x − loc)² / 2 scale² − log scale − log √2π."""
        if self._validate_args:
            self._validate_sample(value)
        log_scale = math.log(self.scale) if isinstance(self.scale, (int, float)) else self.scale.log()
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - log_scale - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value: Tensor) -> Tensor:
        """(1 + erf((x − loc) / scale √2)) / 2."""
        if self._validate_args:
            self._validate_sample(value)
        return 0.5 * (1 + tapeless.erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def icdf(self, value: Tensor) -> Tensor:
        """Loc + scale √2 erfinv(2p − 1)."""
        return self.loc + self.scale * tapeless.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Tensor:
        """½ + ½ log 2π + log scale."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + tapeless.log(self.scale)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.loc / self.scale.pow(2), -0.5 * self.scale.pow(2).reciprocal()

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return -0.25 * x.pow(2) / y + 0.5 * tapeless.log(-math.pi / y)
