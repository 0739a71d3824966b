# Exponential families: densities exp(θ·t(x) − F(θ) + k(x)).
"""The base class of exponential families, whose entropy follows from the log normalizer."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions.distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Distributions with density exp(θ·t(x) − F(θ) + k(x)): natural parameters θ, log normalizer F, carrier k."""

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """F(θ) − θ·∇F(θ) − E[k(x)], the gradient taken by autograd (Nielsen and Nock, 2010)."""
        parameters = [p.detach().requires_grad_() for p in self._natural_params]
        with tapeless.enable_grad():
            normalizer = self._log_normalizer(*parameters)
            gradients = tapeless.autograd.grad(normalizer.sum(), parameters, create_graph=True)
        result = -self._mean_carrier_measure
        result = result + normalizer
        for p, g in zip(parameters, gradients, strict=True):
            result = result - (p * g).reshape((*self._batch_shape, -1)).sum(-1)
        return result
