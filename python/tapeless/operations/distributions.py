# Draws with a parameter for each element, and places drawn by weight.
"""Random numbers around tensors of parameters, the same as PyTorch's for the same seed."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "_sample_dirichlet",
    "_standard_gamma",
    "binomial",
    "multinomial",
    "poisson",
]
METHODS = ("multinomial",)

_f = _core.functions

binomial = _core.binomial
poisson = _core.poisson
_standard_gamma = _core._standard_gamma
_sample_dirichlet = _core._sample_dirichlet

_MOST_PLACES = 1 << 24


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None, out: Any = None
) -> Tensor:
    """num_samples int64 places for each row, drawn with probabilities proportional to the row's weights.

    Without replacement no place is drawn twice: the largest quotients of weights and exponential numbers win
    (Efraimidis and Spirakis, 2006). No derivative.
    """
    _check_weights(input, num_samples, replacement)
    if out is not None and out.dtype != _core.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype}")
    places = _places(input.detach(), num_samples, replacement, generator)
    if out is None:
        return places
    _core._write_out(out, places)
    return out


def _check_weights(input: Tensor, num_samples: int, replacement: bool) -> None:
    if input.dim() not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, but input has {input.dim()} dimensions")
    if not input.is_floating_point():
        kind = input.type().removeprefix("torch.").removesuffix("Tensor")
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {kind}")
    if num_samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples: num_samples is {num_samples}")
    size = input.shape[-1]
    if not replacement and num_samples > size:
        raise RuntimeError(
            f"cannot sample n_sample > prob_dist.size(-1) samples without replacement: {num_samples} of {size}"
        )
    if size > _MOST_PLACES:
        raise RuntimeError(f"number of categories cannot exceed 2^24, but there are {size}")


def _places(weights: Tensor, num_samples: int, replacement: bool, generator: Any) -> Tensor:
    if weights.numel() == 0 or weights.is_meta:
        return _core.empty((*weights.shape[:-1], num_samples), dtype=_core.int64, device=weights.device)
    if replacement and num_samples > 1:
        return _core._multinomial_places(weights, num_samples, generator=generator)
    if not bool((weights.max() < float("inf")) & (weights.min() >= 0)):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if bool((weights.sum(-1) == 0).any()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    keys = weights / _core.empty_like(weights).exponential_(1, generator=generator)
    if num_samples == 1:
        return keys.argmax(-1, keepdim=True)
    return _f["topk"](keys, num_samples).indices
