# The multivariate normal distribution with a covariance of low rank and a diagonal.
"""Vectors of normal numbers that few factors move together."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.distributions import constraints
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.multivariate_normal import _batch_mahalanobis, _batch_mv
from tapeless.distributions.utils import _NO_SHAPE, _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


def _batch_capacitance_tril(W: Tensor, D: Tensor) -> Tensor:  # noqa: N803
    """The Cholesky factor of I + Wᵀ D⁻¹ W."""
    m = W.size(-1)
    return tapeless.linalg.cholesky((W.mT / D.unsqueeze(-2)) @ W + tapeless.eye(m, dtype=W.dtype, device=W.device))


def _batch_lowrank_logdet(W: Tensor, D: Tensor, capacitance_tril: Tensor) -> Tensor:  # noqa: N803
    """log det(W Wᵀ + D), by the matrix determinant lemma."""
    return 2 * capacitance_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + D.log().sum(-1)


def _batch_lowrank_mahalanobis(W: Tensor, D: Tensor, x: Tensor, capacitance_tril: Tensor) -> Tensor:  # noqa: N803
    """xᵀ (W Wᵀ + D)⁻¹ x, by the Woodbury identity."""
    inner = _batch_mv(W.mT / D.unsqueeze(-2), x)
    return (x.pow(2) / D).sum(-1) - _batch_mahalanobis(capacitance_tril, inner)


class LowRankMultivariateNormal(Distribution):
    """Vectors of n normal numbers with covariance W Wᵀ + D: `cov_factor` W (n × m), `cov_diag` the diagonal of D.

    The determinant and the inverse of an m × m matrix are all that log_prob needs.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            columns = tapeless.broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_factor, self.cov_diag = columns[0][..., 0], columns[1], columns[2][..., 0]
        super().__init__(self.loc.shape[:-1], event_shape, validate_args=validate_args)
        self._unbroadcasted_cov_factor = cov_factor
        self._unbroadcasted_cov_diag = cov_diag
        self._capacitance_tril = _batch_capacitance_tril(cov_factor, cov_diag)

    def expand(self, batch_shape: Any, _instance: Any = None) -> LowRankMultivariateNormal:
        """The same with its parameters broadcast to a batch shape."""
        new = self._get_checked_instance(LowRankMultivariateNormal, _instance)
        for name in ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril"):
            setattr(new, name, getattr(self, name))
        return self._expanded(LowRankMultivariateNormal, batch_shape, new, loc=1, cov_diag=1, cov_factor=2)

    @property
    def mean(self) -> Tensor:
        """The parameter loc."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """The parameter loc."""
        return self.loc

    @property
    def _parts(self) -> tuple[Tensor, Tensor]:
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    def _over_batch(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def variance(self) -> Tensor:
        """The covariance's diagonal."""
        factor, diagonal = self._parts
        return (factor.pow(2).sum(-1) + diagonal).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The covariance's lower Cholesky factor."""
        factor, diagonal = self._parts
        # D^½ taken out on both sides leaves I + (D^−½ W)(D^−½ W)ᵀ, which is far from singular.
        root = diagonal.sqrt().unsqueeze(-1)
        inner = factor / root
        identity = tapeless.eye(self._event_shape[0], dtype=factor.dtype, device=factor.device)
        return self._over_batch(root * tapeless.linalg.cholesky(inner @ inner.mT + identity))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """W Wᵀ + D."""
        factor, diagonal = self._parts
        return self._over_batch(factor @ factor.mT + tapeless.diag_embed(diagonal))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance, by the Woodbury identity."""
        factor, diagonal = self._parts
        scaled = factor.mT / diagonal.unsqueeze(-2)
        inner = tapeless.linalg.solve_triangular(self._capacitance_tril, scaled, upper=False)
        return self._over_batch(tapeless.diag_embed(diagonal.reciprocal()) - inner.mT @ inner)

    def rsample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """loc + W · (m normal numbers) + D^½ · (n normal numbers), drawn in this order."""
        shape = self._extended_shape(sample_shape)
        factor, diagonal = self._parts
        kind = {"dtype": self.loc.dtype, "device": self.loc.device}
        common = _standard_normal((*shape[:-1], self.cov_factor.shape[-1]), **kind)
        own = _standard_normal(shape, **kind)
        return self.loc + _batch_mv(factor, common) + diagonal.sqrt() * own

    def _log_det(self) -> Tensor:
        return _batch_lowrank_logdet(*self._parts, self._capacitance_tril)

    def log_prob(self, value: Tensor) -> Tensor:
        """−½ (n log 2π + log det + squared distance)."""
        if self._validate_args:
            self._validate_sample(value)
        square = _batch_lowrank_mahalanobis(*self._parts, value - self.loc, self._capacitance_tril)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + square)

    def entropy(self) -> Tensor:
        """½ (n (1 + log 2π) + log det)."""
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det())
        return entropy.expand(self._batch_shape) if self._batch_shape else entropy
