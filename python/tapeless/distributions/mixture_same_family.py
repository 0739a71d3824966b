# Mixtures of distributions of one family.
"""One of several distributions, drawn for each sample."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless import Size, Tensor
from tapeless.distributions import constraints
from tapeless.distributions.categorical import Categorical
from tapeless.distributions.constraints import MixtureSameFamilyConstraint
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.utils import _NO_SHAPE

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A mixture: a Categorical says which of the distributions along the component's last batch dimension is drawn."""

    arg_constraints: dict[str, constraints.Constraint] = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        _check_parts(mixture_distribution, component_distribution)
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = component_distribution.batch_shape[-1]
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(component_distribution.batch_shape[:-1], event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> MixtureSameFamily:
        """Both parts expanded."""
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        batch_shape = Size(batch_shape)
        new._component_distribution = self._component_distribution.expand(batch_shape + (self._num_component,))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component = self._num_component
        new._event_ndims = self._event_ndims
        return self._expanded(MixtureSameFamily, batch_shape, new)

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """What all components have in their support."""
        return MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution of the component's number."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components, along the last batch dimension."""
        return self._component_distribution

    def _mixed(self, values: Tensor) -> Tensor:
        """The components' values, averaged by their probabilities."""
        probs = self._pad_mixture_dimensions(self.mixture_distribution.probs)
        return (probs * values).sum(-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        """The mean of the components' means."""
        return self._mixed(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        """The mean of the components' variances and the variance of their means."""
        apart = (self.component_distribution.mean - self._pad(self.mean)).pow(2.0)
        return self._mixed(self.component_distribution.variance) + self._mixed(apart)

    def cdf(self, x: Tensor) -> Tensor:
        """The mean of the components'."""
        return (self.component_distribution.cdf(self._pad(x)) * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log of the mean of the components' densities."""
        if self._validate_args:
            self._validate_sample(x)
        each = self.component_distribution.log_prob(self._pad(x))
        return tapeless.logsumexp(each + tapeless.log_softmax(self.mixture_distribution.logits, dim=-1), dim=-1)

    def sample(self, sample_shape: Any = _NO_SHAPE) -> Tensor:
        """Numbers of components, then samples of all of them, of which one is kept."""
        with tapeless.no_grad():
            at = len(sample_shape) + len(self.batch_shape)
            places = self.mixture_distribution.sample(sample_shape)
            samples = self.component_distribution.sample(sample_shape)
            wanted = Size(Size(sample_shape) + self.batch_shape + (1,) + self.event_shape)
            places = places.reshape((*places.shape, 1, *[1] * self._event_ndims)).expand(wanted)
            return samples.gather(at, places).squeeze(at)

    def _pad(self, x: Tensor) -> Tensor:
        return x.unsqueeze(-1 - self._event_ndims)

    def _pad_mixture_dimensions(self, x: Tensor) -> Tensor:
        """The mixture's values with dimensions for the batch and for an event."""
        missing = len(self.batch_shape) - len(self.mixture_distribution.batch_shape)
        shape = x.shape
        return x.reshape((*shape[:-1], *[1] * missing, *shape[-1:], *[1] * self._event_ndims))

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"


def _check_parts(mixture: Any, component: Any) -> None:
    if not isinstance(mixture, Categorical):
        raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
    if not isinstance(component, Distribution):
        raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
    batch, around = mixture.batch_shape, component.batch_shape[:-1]
    for own, other in zip(reversed(batch), reversed(around), strict=False):
        if own != 1 and other != 1 and own != other:
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({batch}) is not compatible with "
                f"`component_distribution.batch_shape`({around})"
            )
    categories, components = mixture.logits.shape[-1], component.batch_shape[-1]
    if categories != components:
        raise ValueError(
            f"`mixture_distribution component` ({categories}) does not equal "
            f"`component_distribution.batch_shape[-1]` ({components})"
        )
