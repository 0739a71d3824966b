# The Bernoulli distribution.
"""Zeros and ones."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Size, Tensor
from tapeless.distributions import constraints
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.utils import _NO_SHAPE, _BinaryParameters, _either, broadcast_all
from tapeless.nn.functional import binary_cross_entropy_with_logits

__all__ = ["Bernoulli"]


class Bernoulli(_BinaryParameters, ExponentialFamily):
    """1 with probability `probs`, else 0; or given by log odds, `logits`."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._given, value = _either(probs, logits)
        (self.__dict__[self._given],) = broadcast_all(value)
        super().__init__(self._param.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Bernoulli:
        """The same with its parameter broadcast to a batch shape."""
        return self._expanded(Bernoulli, batch_shape, _instance, probs=0, logits=0)

    @property
    def mean(self) -> Tensor:
        """The probability of 1."""
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The likelier of 0 and 1; NaN where they are equally likely."""
        return (self.probs >= 0.5).to(self.probs).masked_fill(self.probs == 0.5, float("nan"))

    @property
    def variance(self) -> Tensor:
        """p (1 − p)."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples, of the parameter's dtype."""
        with tapeless.no_grad():
            return tapeless.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """Minus the binary cross entropy of the logits."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        """−p log p − (1 − p) log(1 − p)."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 and 1."""
        values = tapeless.arange(2, dtype=self._param.dtype, device=self._param.device)
        return _over_batch(values, self._batch_shape, expand)

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (tapeless.logit(self.probs),)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return tapeless.log1p(tapeless.exp(x))


def _over_batch(values: Tensor, batch_shape: Size, expand: bool) -> Tensor:
    """A list of values along a new first dimension before those of the batch."""
    values = values.view((-1, *[1] * len(batch_shape)))
    return values.expand((-1, *batch_shape)) if expand else values
