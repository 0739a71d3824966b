# The binomial distribution.
"""Successes among many trials."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.bernoulli import _over_batch
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, _BinaryParameters, _either, broadcast_all

__all__ = ["Binomial"]


def _clamp_by_zero(x: Tensor) -> Tensor:
    """max(x, 0), whose derivative at 0 is ½, as symmetry has it."""
    return (x.clamp(min=0) + x - x.clamp(max=0)) / 2


class Binomial(_BinaryParameters, Distribution):
    """How many of `total_count` trials succeed, each with probability `probs` (or log odds `logits`)."""

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._given, value = _either(probs, logits)
        self.total_count, self.__dict__[self._given] = broadcast_all(total_count, value)
        self.total_count = self.total_count.type_as(self._param)
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Binomial:
        """The same with its parameters broadcast to a batch shape."""
        return self._expanded(Binomial, batch_shape, _instance, total_count=0, probs=0, logits=0)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """0 to total_count."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        """N p."""
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        """⌊(n + 1) p⌋, at most n."""
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        """N p (1 − p)."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples, of the parameter's dtype."""
        shape = self._extended_shape(sample_shape)
        with tapeless.no_grad():
            return tapeless.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """log n!/(k! (n − k)!) + k log p + (n − k) log(1 − p), from the logits."""
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        ways = tapeless.lgamma(n + 1) - tapeless.lgamma(value + 1) - tapeless.lgamma(n - value + 1)
        # n log(1 + exp l), written so that exp never overflows.
        rest = n * _clamp_by_zero(self.logits) + n * tapeless.log1p(tapeless.exp(-tapeless.abs(self.logits)))
        return value * self.logits + ways - rest

    def _one_count(self, what: str) -> int:
        total = int(self.total_count.max())
        if not self.total_count.min() == total:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{what}`.")
        return total

    def entropy(self) -> Tensor:
        """Summed over all counts; NotImplementedError unless they are the same in the whole batch."""
        self._one_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(tapeless.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 to total_count, which must be one number for the whole batch."""
        total = self._one_count("enumerate_support")
        values = tapeless.arange(1 + total, dtype=self._param.dtype, device=self._param.device)
        return _over_batch(values, self._batch_shape, expand)
