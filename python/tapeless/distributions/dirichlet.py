# The Dirichlet distribution, and how its numbers move with its parameters.
"""Probabilities as random numbers."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.autograd import Function
from tapeless.autograd.function import once_differentiable
from tapeless.distributions import constraints
from tapeless.distributions._beta_slopes import beta_slopes
from tapeless.distributions.exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


def _Dirichlet_backward(x: Tensor, concentration: Tensor, grad_output: Tensor) -> Tensor:  # noqa: N802
    total = concentration.sum(-1, True).expand_as(concentration)
    # x_i is Beta(a_i, total − a_i): it moves along its own cdf, and the others share the rest as before.
    slopes = beta_slopes(x, concentration, total)
    return slopes * (grad_output - (x * grad_output).sum(-1, True))


class _Dirichlet(Function):
    """Dirichlet numbers, with the gradient that keeps each number's place in its distribution.

    *Derivative:* implicit reparameterization (Figurnov, Mohamed and Mnih, 2018), once.
    """

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        """Numbers ≥ 0 whose sum is 1 along the last dimension."""
        x = tapeless._sample_dirichlet(concentration)
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        """The gradient by the concentration."""
        x, concentration = ctx.saved_tensors
        return _Dirichlet_backward(x, concentration, grad_output)


class Dirichlet(ExponentialFamily):
    """Vectors of probabilities with density proportional to the product of x_i^(a_i − 1), a the concentration."""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        batch_shape, event_shape = concentration.shape[:-1], concentration.shape[-1:]
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Dirichlet:
        """The same with its parameter broadcast to a batch shape."""
        return self._expanded(Dirichlet, batch_shape, _instance, concentration=1)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Samples with implicit gradients, once differentiable."""
        return _Dirichlet.apply(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """Σ (a − 1) log x + log Γ(Σ a) − Σ log Γ(a)."""
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return tapeless.xlogy(a - 1.0, value).sum(-1) + tapeless.lgamma(a.sum(-1)) - tapeless.lgamma(a).sum(-1)

    @property
    def mean(self) -> Tensor:
        """A / Σ a."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        """(a − 1) / Σ(a − 1); where all a < 1, the corner of the largest."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        all_below = (self.concentration < 1).all(dim=-1)
        corner = tapeless.nn.functional.one_hot(mode[all_below].argmax(dim=-1), above.shape[-1]).to(mode)
        mode[all_below] = corner
        return mode

    @property
    def variance(self) -> Tensor:
        """A (Σ a − a) / ((Σ a)² (Σ a + 1))."""
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def entropy(self) -> Tensor:
        """From log Γ and ψ of a and of their sum."""
        a = self.concentration
        k, total = a.size(-1), a.sum(-1)
        return (
            tapeless.lgamma(a).sum(-1)
            - tapeless.lgamma(total)
            - (k - total) * tapeless.digamma(total)
            - ((a - 1.0) * tapeless.digamma(a)).sum(-1)
        )

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.lgamma().sum(-1) - tapeless.lgamma(x.sum(-1))
