# Student's t distribution.
"""Normal numbers over an estimated deviation."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.chi2 import Chi2
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, _standard_normal, broadcast_all

__all__ = ["StudentT"]


class StudentT(Distribution):
    """loc + scale · (normal number) / √(χ² number / df)."""

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """loc, NaN up to df = 1."""
        return self.loc.masked_fill(self.df <= 1, float("nan"))

    @property
    def mode(self) -> Tensor:
        """The parameter loc."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """scale² df / (df − 2); ∞ up to df = 2, NaN up to df = 1."""
        m = self.scale.pow(2) * self.df / (self.df - 2)
        return m.masked_fill(self.df <= 2, float("inf")).masked_fill(self.df <= 1, float("nan"))

    def expand(self, batch_shape: Any, _instance: Any = None) -> StudentT:
        """The same with its parameters broadcast to a batch shape."""
        new = self._get_checked_instance(StudentT, _instance)
        new._chi2 = self._chi2.expand(batch_shape)
        return self._expanded(StudentT, batch_shape, new, df=0, loc=0, scale=0)

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Normal numbers, then χ² numbers."""
        shape = self._extended_shape(sample_shape)
        above = _standard_normal(shape, dtype=self.df.dtype, device=self.df.device)
        below = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (above * tapeless.rsqrt(below / self.df))

    def log_prob(self, value: Tensor) -> Tensor:
        """−(df + 1)/2 · log(1 + z²/df) and the norm."""
        if self._validate_args:
            self._validate_sample(value)
        df, z = self.df, (value - self.loc) / self.scale
        norm = self.scale.log() + 0.5 * df.log() + 0.5 * math.log(math.pi)
        norm = norm + tapeless.lgamma(0.5 * df) - tapeless.lgamma(0.5 * (df + 1.0))
        return -0.5 * (df + 1.0) * tapeless.log1p(z**2.0 / df) - norm

    def entropy(self) -> Tensor:
        """From log Γ and ψ of df / 2 and (df + 1) / 2."""
        df = self.df
        more = 0.5 * (df + 1.0)
        log_beta = tapeless.lgamma(0.5 * df) + math.lgamma(0.5) - tapeless.lgamma(more)
        slope = more * (tapeless.digamma(more) - tapeless.digamma(0.5 * df))
        return self.scale.log() + slope + 0.5 * df.log() + log_beta
