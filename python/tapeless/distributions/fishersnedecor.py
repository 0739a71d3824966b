# The Fisher–Snedecor distribution.
"""Quotients of χ² numbers."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.gamma import Gamma
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """The quotient of two χ² numbers, each over its degrees of freedom df1 and df2: the F distribution."""

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gamma1 = Gamma(self.df1 * 0.5, self.df1)
        self._gamma2 = Gamma(self.df2 * 0.5, self.df2)
        super().__init__(self.df1.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> FisherSnedecor:
        """The same with its parameters broadcast to a batch shape."""
        new = self._get_checked_instance(FisherSnedecor, _instance)
        new._gamma1 = self._gamma1.expand(batch_shape)
        new._gamma2 = self._gamma2.expand(batch_shape)
        return self._expanded(FisherSnedecor, batch_shape, new, df1=0, df2=0)

    @property
    def mean(self) -> Tensor:
        """df2 / (df2 − 2), NaN up to df2 = 2."""
        df2 = self.df2.masked_fill(self.df2 <= 2, float("nan"))
        return df2 / (df2 - 2)

    @property
    def mode(self) -> Tensor:
        """(df1 − 2) / df1 · df2 / (df2 + 2), NaN up to df1 = 2."""
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return mode.masked_fill(self.df1 <= 2, float("nan"))

    @property
    def variance(self) -> Tensor:
        """2 df2² (df1 + df2 − 2) / (df1 (df2 − 2)² (df2 − 4)), NaN up to df2 = 4."""
        df1, df2 = self.df1, self.df2.masked_fill(self.df2 <= 4, float("nan"))
        return 2 * df2.pow(2) * (df1 + df2 - 2) / (df1 * (df2 - 2).pow(2) * (df2 - 4))

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """The quotient of two gamma numbers, kept above 0."""
        shape = self._extended_shape(sample_shape)
        above = self._gamma1.rsample(sample_shape).view(shape)
        below = self._gamma2.rsample(sample_shape).view(shape)
        tiny = tapeless.finfo(below.dtype).tiny
        below.clamp_(min=tiny)
        return (above / below).clamp_(min=tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        """From log Γ, log x and log(1 + df1 x / df2)."""
        if self._validate_args:
            self._validate_sample(value)
        half1, half2, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        norm = (half1 + half2).lgamma() - half1.lgamma() - half2.lgamma()
        powers = half1 * ratio.log() + (half1 - 1) * tapeless.log(value)
        return norm + powers - (half1 + half2) * tapeless.log1p(ratio * value)
