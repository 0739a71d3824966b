# The categorical distribution.
"""One of several categories."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Size, Tensor
from tapeless.distributions import constraints
from tapeless.distributions.bernoulli import _over_batch
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import (
    _NO_SHAPE,
    _either,
    _GivenParameter,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)

__all__ = ["Categorical"]


class Categorical(_GivenParameter, Distribution):
    """The number of a category, drawn with the probabilities of the last dimension.

    `probs` need not add up to 1, they are normalized; `logits` are logarithms of unnormalized probabilities.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._given, value = _either(probs, logits)
        if value.dim() < 1:
            raise ValueError(f"`{self._given}` parameter must be at least one-dimensional.")
        if logits is None:
            self.probs = value / value.sum(-1, keepdim=True)
        else:
            self.logits = value - value.logsumexp(dim=-1, keepdim=True)
        self._num_events = value.size()[-1]
        super().__init__(value.size()[:-1], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Categorical:
        """The same with its parameter broadcast to a batch shape."""
        return self._expanded(Categorical, batch_shape, _instance, probs=1, logits=1)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """The numbers of the categories."""
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits)

    def _no_number(self) -> Tensor:
        return tapeless.full(self._extended_shape(), float("nan"), dtype=self.probs.dtype, device=self.probs.device)

    @property
    def mean(self) -> Tensor:
        """NaN: categories have no mean."""
        return self._no_number()

    @property
    def mode(self) -> Tensor:
        """The likeliest category."""
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Tensor:
        """NaN: categories have no variance."""
        return self._no_number()

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples, int64."""
        if not isinstance(sample_shape, Size):
            sample_shape = Size(sample_shape)
        rows = self.probs.detach().reshape(-1, self._num_events)
        places = tapeless.multinomial(rows, sample_shape.numel(), True).T
        return places.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logit of the category."""
        if self._validate_args:
            self._validate_sample(value)
        value, logits = tapeless.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        """−Σ p log p."""
        logits = tapeless.clamp(self.logits, min=tapeless.finfo(self.logits.dtype).min)  # 0 · −∞ is to be 0
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All categories."""
        values = tapeless.arange(self._num_events, dtype=tapeless.long, device=self._param.device)
        return _over_batch(values, self._batch_shape, expand)
