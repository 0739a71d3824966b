# The geometric distribution.
"""Failures before the first success."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, _BinaryParameters, _either, broadcast_all
from tapeless.nn.functional import binary_cross_entropy_with_logits

__all__ = ["Geometric"]


class Geometric(_BinaryParameters, Distribution):
    """How many trials fail before the first success: probability (1 − probs)^k · probs of k = 0, 1, …"""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._given, value = _either(probs, logits)
        (self.__dict__[self._given],) = broadcast_all(value)
        super().__init__(self._param.size(), validate_args=validate_args)
        if self._validate_args and probs is not None:
            value = self.probs
            if not (value > 0).all():
                raise ValueError(
                    f"Expected parameter probs ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to be positive but found invalid values:\n{value[value <= 0]}"
                )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Geometric:
        """The same with its parameter broadcast to a batch shape."""
        return self._expanded(Geometric, batch_shape, _instance, probs=0, logits=0)

    @property
    def mean(self) -> Tensor:
        """1/p − 1."""
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        """0."""
        return tapeless.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        """(1/p − 1) / p."""
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples, from uniform numbers by the inverse cdf."""
        with tapeless.no_grad():
            u = self.probs.new_empty(self._extended_shape(sample_shape)).uniform_()
            u = u.clamp(min=tapeless.finfo(self.probs.dtype).tiny)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        """K log(1 − p) + log p."""
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        probs = probs.clone(memory_format=tapeless.contiguous_format)
        probs = probs.masked_fill((probs == 1) & (value == 0), 0)  # 0 · log 0 counts as 0
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        """The entropy of one trial over p."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
