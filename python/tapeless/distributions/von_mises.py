# The von Mises distribution.
"""Angles around a direction."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless import Size, Tensor
from tapeless.distributions import constraints
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE, broadcast_all, lazy_property

__all__ = ["VonMises"]


def _log_modified_bessel_fn(x: Tensor, order: int = 0) -> Tensor:
    """Log of the modified Bessel function of the first kind, of order 0 or 1, for x > 0."""
    if order not in (0, 1):
        raise AssertionError(f"order must be 0 or 1, got {order}")
    scaled = tapeless.special.i0e(x) if order == 0 else tapeless.special.i1e(x)
    return scaled.log() + x


def _rejection_sample(loc: Tensor, concentration: Tensor, proposal_r: Tensor, x: Tensor) -> Tensor:
    """Fills x with angles: wrapped Cauchy proposals until each place has accepted one (Best and Fisher, 1979)."""
    done = tapeless.zeros(x.shape, dtype=tapeless.bool, device=loc.device)
    while not done.all():
        u1, u2, u3 = tapeless.rand((3, *x.shape), dtype=loc.dtype, device=loc.device).unbind()
        z = tapeless.cos(math.pi * u1)
        f = (1 + proposal_r * z) / (proposal_r + z)
        c = concentration * (proposal_r - f)
        accept = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
        x = tapeless.where(accept, (u3 - 0.5).sign() * f.acos(), x)
        done = done | accept
    return (x + math.pi + loc) % (2 * math.pi) - math.pi


class VonMises(Distribution):
    """Angles with density exp(concentration · cos(x − loc)) / 2π I₀(concentration)."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, Size(), validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Concentration · cos(x − loc) − log 2π I₀."""
        if self._validate_args:
            self._validate_sample(value)
        around = self.concentration * tapeless.cos(value - self.loc)
        return around - math.log(2 * math.pi) - _log_modified_bessel_fn(self.concentration, order=0)

    @lazy_property
    def _loc(self) -> Tensor:
        return self.loc.to(tapeless.double)

    @lazy_property
    def _concentration(self) -> Tensor:
        return self.concentration.to(tapeless.double)

    @lazy_property
    def _proposal_r(self) -> Tensor:
        kappa = self._concentration
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        # Near 0 that divides 0 by 0; two terms of its series are exact there.
        return tapeless.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Samples, drawn in double."""
        with tapeless.no_grad():
            shape = self._extended_shape(sample_shape)
            x = tapeless.empty(shape, dtype=self._loc.dtype, device=self.loc.device)
            angles = _rejection_sample(self._loc, self._concentration, self._proposal_r, x)
            return angles.to(self.loc.dtype)

    def expand(self, batch_shape: Any, _instance: Any = None) -> VonMises:
        """The same with its parameters broadcast to a batch shape."""
        return self._expanded(VonMises, batch_shape, _instance, loc=0, concentration=0)

    @property
    def mean(self) -> Tensor:
        """The direction."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """The direction."""
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The circular variance 1 − I₁ / I₀."""
        log_i1 = _log_modified_bessel_fn(self.concentration, order=1)
        return 1 - (log_i1 - _log_modified_bessel_fn(self.concentration, order=0)).exp()
