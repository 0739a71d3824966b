# The beta distribution.
"""Numbers between 0 and 1."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Size, Tensor
from tapeless.distributions import constraints
from tapeless.distributions.dirichlet import Dirichlet
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.utils import broadcast_all

__all__ = ["Beta"]


class Beta(ExponentialFamily):
    """Numbers with density proportional to x^(a−1) (1 − x)^(b−1); a is concentration1, b is concentration0."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        if isinstance(concentration1, (int, float)) and isinstance(concentration0, (int, float)):
            both = tapeless.tensor([float(concentration1), float(concentration0)])
        else:
            both = tapeless.stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=validate_args)
        super().__init__(self._dirichlet._batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Beta:
        """The same with its parameters broadcast to a batch shape."""
        new = self._get_checked_instance(Beta, _instance)
        new._dirichlet = self._dirichlet.expand(Size(batch_shape))
        return self._expanded(Beta, batch_shape, new)

    @property
    def mean(self) -> Tensor:
        """A / (a + b)."""
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        """The Dirichlet's."""
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Tensor:
        """A b / ((a + b)² (a + b + 1))."""
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """The first of two Dirichlet numbers."""
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value: Tensor) -> Tensor:
        """The Dirichlet's, of x and 1 − x."""
        if self._validate_args:
            self._validate_sample(value)
        return self._dirichlet.log_prob(tapeless.stack([value, 1.0 - value], -1))

    def entropy(self) -> Tensor:
        """The Dirichlet's."""
        return self._dirichlet.entropy()

    @property
    def concentration1(self) -> Tensor:
        """The exponent of x plus 1."""
        return _unboxed(self._dirichlet.concentration[..., 0])

    @property
    def concentration0(self) -> Tensor:
        """The exponent of 1 − x plus 1."""
        return _unboxed(self._dirichlet.concentration[..., 1])

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration1, self.concentration0

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return tapeless.lgamma(x) + tapeless.lgamma(y) - tapeless.lgamma(x + y)


def _unboxed(result: Any) -> Tensor:
    return tapeless.tensor([result]) if isinstance(result, (int, float)) else result
