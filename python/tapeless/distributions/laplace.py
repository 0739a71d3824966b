# The Laplace distribution.
"""Double exponential numbers."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["Laplace"]


class Laplace(Distribution):
    """Numbers with density exp(−|x − loc| / scale) / 2 scale."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

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
    def variance(self) -> Tensor:
        """2 scale²."""
        return 2 * self.scale.pow(2)

    @property
    def stddev(self) -> Tensor:
        """√2 scale."""
        return 2**0.5 * self.scale

    def expand(self, batch_shape: Any, _instance: Any = None) -> Laplace:
        """The same with its parameters broadcast to a batch shape."""
        return self._expanded(Laplace, batch_shape, _instance, loc=0, scale=0)

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """From uniform numbers by the inverse cdf."""
        u = self.loc.new_empty(self._extended_shape(sample_shape))
        u = u.uniform_(tapeless.finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * tapeless.log1p(-u.abs())

    def log_prob(self, value: Tensor) -> Tensor:
        """−log 2 scale − |x − loc| / scale."""
        if self._validate_args:
            self._validate_sample(value)
        return -tapeless.log(2 * self.scale) - tapeless.abs(value - self.loc) / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        """½ (1 + sign(x − loc) (1 − exp(−|x − loc| / scale)))."""
        if self._validate_args:
            self._validate_sample(value)
        away = value - self.loc
        return 0.5 - 0.5 * away.sign() * tapeless.expm1(-away.abs() / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        """Loc − scale sign(p − ½) log(1 − 2|p − ½|)."""
        term = value - 0.5
        return self.loc - self.scale * term.sign() * tapeless.log1p(-2 * term.abs())

    def entropy(self) -> Tensor:
        """1 + log 2 scale."""
        return 1 + tapeless.log(2 * self.scale)
