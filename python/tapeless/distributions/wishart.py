# The Wishart distribution.
"""Sums of squares of normal vectors."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tapeless
from tapeless import Size, Tensor
from tapeless.distributions import constraints
from tapeless.distributions.chi2 import Chi2
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.multivariate_normal import _factor, _the_matrix
from tapeless.distributions.utils import _NO_SHAPE, lazy_property

__all__ = ["Wishart"]

_log_2 = math.log(2)


def _mvdigamma(x: Tensor, p: int) -> Tensor:
    """The derivative of the multivariate log Γ."""
    if not x.gt((p - 1) / 2).all():
        raise AssertionError(f"Wrong domain for multivariate digamma function: p is {p}")
    return tapeless.digamma(x.unsqueeze(-1) - tapeless.arange(p, dtype=x.dtype, device=x.device) / 2).sum(-1)


def _clamp_above_eps(x: Tensor) -> Tensor:
    return x.clamp(min=tapeless.finfo(x.dtype).eps)


class Wishart(ExponentialFamily):
    """Positive definite p × p matrices: the sum of x xᵀ over df normal vectors of a covariance, for real df > p − 1."""

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """df is larger than p − 1."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        try:
            name, matrix = _the_matrix(covariance_matrix, precision_matrix, scale_tril)
        except ValueError as error:
            raise AssertionError(*error.args) from None
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        if isinstance(df, (int, float)):
            df = tapeless.tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape = tapeless.broadcast_shapes(matrix.shape[:-2], df.shape)
        event_shape = matrix.shape[-2:]
        self.df = df.expand(batch_shape)
        if self.df.le(event_shape[-1] - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {event_shape[-1] - 1}.")
        self.__dict__[name] = matrix.expand((*batch_shape, -1, -1))
        self._event_shape = event_shape
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        self._batch_dims = [-(x + 1) for x in range(len(self._batch_shape))]
        self._unbroadcasted_scale_tril = _factor(name, matrix)
        self._dist_chi2 = self._squared_diagonal()

    def _squared_diagonal(self) -> Chi2:
        """The squares on the diagonal of Bartlett's factor."""
        rows = tapeless.arange(self._event_shape[-1], dtype=self.df.dtype, device=self.df.device)
        return Chi2(df=self.df.unsqueeze(-1) - rows)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Wishart:
        """The same with its parameters broadcast to a batch shape."""
        new = self._get_checked_instance(Wishart, _instance)
        matrices = {"covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2}
        new = self._expanded(Wishart, batch_shape, new, df=0, **matrices)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        new._batch_dims = [-(x + 1) for x in range(len(new._batch_shape))]
        new._dist_chi2 = new._squared_diagonal()
        return new

    def _over_batch(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of the covariance."""
        return self._over_batch(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance of the normal vectors."""
        factor = self._unbroadcasted_scale_tril
        return self._over_batch(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        p = self._event_shape[-1]
        identity = tapeless.eye(p, dtype=self._unbroadcasted_scale_tril.dtype)
        return self._over_batch(tapeless.cholesky_solve(identity, self._unbroadcasted_scale_tril))

    def _df_of_matrices(self) -> Tensor:
        return self.df.view(self._batch_shape + (1, 1))

    @property
    def mean(self) -> Tensor:
        """df times the covariance."""
        return self._df_of_matrices() * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """(df − p − 1) times the covariance, NaN where that factor is not positive."""
        factor = self.df - self._event_shape[-1] - 1
        factor = factor.masked_fill(factor <= 0, float("nan"))
        return factor.view(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        """df (v_ij² + v_ii v_jj)."""
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self._df_of_matrices() * (v.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett_sampling(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """A lower factor with χ numbers on its diagonal and normal ones below (Bartlett, 1933)."""
        p = self._event_shape[-1]
        noise = _clamp_above_eps(self._dist_chi2.rsample(sample_shape).sqrt()).diag_embed(dim1=-2, dim2=-1)
        rows, columns = tapeless.tril_indices(p, p, offset=-1)
        below = (*sample_shape, *self._batch_shape, p * (p - 1) // 2)
        noise[..., rows, columns] = tapeless.randn(below, dtype=noise.dtype, device=noise.device)
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Any = _NO_SHAPE, max_try_correction: int | None = None) -> Tensor:
        """Samples; those that rounding made singular are drawn again, at most so often (3), with a warning."""
        if max_try_correction is None:
            max_try_correction = 3
        sample_shape = Size(sample_shape)
        # PyTorch draws twice and keeps the second; so do we, for the same numbers from the same seed.
        self._bartlett_sampling(sample_shape)
        sample = self._bartlett_sampling(Size((sample_shape.numel(),))).reshape(self._extended_shape(sample_shape))
        singular = self._singular(sample)
        if singular.any():
            warnings.warn("Singular sample detected.", stacklevel=2)
            for _ in range(max_try_correction):
                again = self._bartlett_sampling(singular[singular].shape)
                sample[singular] = again
                still = self._singular(again)
                singular[singular.clone()] = still
                if not singular.any():
                    break
        return sample

    def _singular(self, sample: Tensor) -> Tensor:
        singular = ~self.support.check(sample)
        return singular.amax(self._batch_dims) if self._batch_shape else singular

    def _half_log_det(self) -> Tensor:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """From log det x, tr(V⁻¹ x) and a multivariate log Γ."""
        if self._validate_args:
            self._validate_sample(value)
        nu, p = self.df, self._event_shape[-1]
        trace = tapeless.cholesky_solve(value, self._unbroadcasted_scale_tril).diagonal(dim1=-2, dim2=-1).sum(dim=-1)
        norm = nu * (p * _log_2 / 2 + self._half_log_det()) + tapeless.mvlgamma(nu / 2, p=p)
        return -norm + (nu - p - 1) / 2 * tapeless.linalg.slogdet(value).logabsdet - trace / 2

    def entropy(self) -> Tensor:
        """From log det V, a multivariate log Γ and its derivative."""
        nu, p = self.df, self._event_shape[-1]
        scale = (p + 1) * (p * _log_2 / 2 + self._half_log_det())
        return scale + tapeless.mvlgamma(nu / 2, p=p) - (nu - p - 1) / 2 * _mvdigamma(nu / 2, p=p) + nu * p / 2

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        return half * (-tapeless.linalg.slogdet(-2 * x).logabsdet + _log_2 * p) + tapeless.mvlgamma(half, p=p)
