# What the half Cauchy and the half Normal distribution share.
"""Absolute values of numbers that lie alike about 0."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.transformed_distribution import TransformedDistribution


class _Half(TransformedDistribution):
    """|x| of x of a distribution `base_dist` about 0 that has a scale: its density is twice that one's."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    base_dist: Any

    @property
    def scale(self) -> Tensor:
        """The scale of the whole distribution."""
        return self.base_dist.scale

    @property
    def mode(self) -> Tensor:
        """0."""
        return tapeless.zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """That of the whole distribution and log 2; −∞ below 0."""
        if self._validate_args:
            self._validate_sample(value)
        value = tapeless.as_tensor(value, dtype=self.base_dist.scale.dtype, device=self.base_dist.scale.device)
        log_prob = self.base_dist.log_prob(value) + math.log(2)
        return tapeless.where(value >= 0, log_prob, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        """2 F − 1, F that of the whole distribution."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob: Tensor) -> Tensor:
        """The whole distribution's at (p + 1) / 2."""
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self) -> Tensor:
        """The whole distribution's less log 2."""
        return self.base_dist.entropy() - math.log(2)
