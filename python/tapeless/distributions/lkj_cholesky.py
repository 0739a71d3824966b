# The LKJ distribution of correlation matrices.
"""Cholesky factors of random correlation matrices."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Size, Tensor
from tapeless.distributions import constraints
from tapeless.distributions.beta import Beta
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower Cholesky factors of dim × dim correlation matrices, of density ~ det^(concentration − 1).

    concentration 1 makes all correlation matrices equally likely, more of it those near the identity. Samples are drawn
    row by row, a length and a direction each: the onion method of Lewandowski, Kurowicka and Joe, 2009.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        batch_shape = self.concentration.size()
        # The squared length of row i below the diagonal is a beta number; row 0 has none and takes a draw all the same.
        at = tapeless.arange(-1, dim - 1, dtype=self.concentration.dtype, device=self.concentration.device).clamp(min=0)
        most = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(at + 0.5, most.unsqueeze(-1) - 0.5 * at)
        super().__init__(batch_shape, Size((dim, dim)), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> LKJCholesky:
        """The same with its parameter broadcast to a batch shape."""
        new = self._get_checked_instance(LKJCholesky, _instance)
        new.dim = self.dim
        new._beta = self._beta.expand(Size(batch_shape) + (self.dim,))
        return self._expanded(LKJCholesky, batch_shape, new, concentration=0)

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples: squared lengths, then directions."""
        lengths = self._beta.sample(sample_shape).unsqueeze(-1)
        shape = self._extended_shape(sample_shape)
        normal = tapeless.randn(shape, dtype=lengths.dtype, device=lengths.device).tril(-1)
        directions = normal / normal.norm(dim=-1, keepdim=True)
        directions[..., 0, :].fill_(0.0)
        w = lengths.sqrt() * directions
        left = (1 - (w**2).sum(-1)).clamp(min=tapeless.finfo(w.dtype).tiny)
        return w + left.sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        """The powers of the diagonal, and the norm in terms of a multivariate log Γ."""
        if self._validate_args:
            self._validate_sample(value)
        dim, rest = self.dim, self.dim - 1
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = tapeless.arange(2, dim + 1, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + dim - order
        alpha = self.concentration + 0.5 * rest
        norm = 0.5 * rest * math.log(math.pi) + tapeless.mvlgamma(alpha - 0.5, p=rest) - tapeless.lgamma(alpha) * rest
        return (order * diagonal.log()).sum(-1) - norm
