# The multinomial distribution.
"""Counts of categories among many draws."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Size, Tensor
from tapeless.distributions import constraints
from tapeless.distributions.binomial import Binomial
from tapeless.distributions.categorical import Categorical
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """How often each category is drawn in `total_count` (one int) draws; parameters as Categorical's."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    total_count: int

    @property
    def mean(self) -> Tensor:
        """N p."""
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        """N p (1 − p)."""
        return self.total_count * self.probs * (1 - self.probs)

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)
        batch_shape = self._categorical.batch_shape
        super().__init__(batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Multinomial:
        """The same with its parameter broadcast to a batch shape."""
        new = self._get_checked_instance(Multinomial, _instance)
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch_shape)
        new._binomial = self._binomial.expand((*batch_shape, self.probs.shape[-1]))
        return self._expanded(Multinomial, batch_shape, new)

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._categorical._new(*args, **kwargs)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        """Counts that add up to at most total_count."""
        return constraints.multinomial(self.total_count)

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return self._categorical.param_shape

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Counts, of the parameter's dtype."""
        sample_shape = Size(sample_shape)
        draws = self._categorical.sample(Size((self.total_count,)) + sample_shape).movedim(0, -1)
        counts = draws.new_zeros(self._extended_shape(sample_shape))
        counts.scatter_add_(-1, draws, tapeless.ones_like(draws))
        return counts.type_as(self.probs)

    def entropy(self) -> Tensor:
        """N times that of one draw, less what the order of the draws tells, from the binomial marginals."""
        n = tapeless.tensor(self.total_count)
        support = self._binomial.enumerate_support(expand=False)[1:]
        weights = tapeless.exp(self._binomial.log_prob(support)) * tapeless.lgamma(support + 1)
        return n * self._categorical.entropy() - tapeless.lgamma(n + 1) + weights.sum([0, -1])

    def log_prob(self, value: Tensor) -> Tensor:
        """log n! − Σ log k! + Σ k log p; n is the sum of the counts."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -float("inf")), 0)
        ways = tapeless.lgamma(value.sum(-1) + 1) - tapeless.lgamma(value + 1).sum(-1)
        return ways + (logits * value).sum(-1)
