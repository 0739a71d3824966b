# Dropout: elements or channels zeroed at random, with PyTorch's random numbers.
"""The functions behind dropout: of elements or features, scaled, or moved as SELU needs it."""

import math
from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import composition

__all__ = [
    "alpha_dropout",
    "alpha_dropout_",
    "dropout",
    "dropout_",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout",
    "feature_dropout_",
    "native_dropout",
]
METHODS = ()

_ALPHA = 1.7580993408473766  # SELU's scale times its alpha, negated: what a unit saturates at.


def _noise(input: Tensor, keep: float, features: bool) -> Tensor:
    """1 with probability `keep`, else 0: for each element, or for each channel of each example."""
    if not features:
        return _core.empty_like(input).bernoulli_(keep)
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    shape = tuple(input.shape)
    return _core.empty(*shape[:2], *(1 for _ in shape[2:]), dtype=input.dtype, device=input.device).bernoulli_(keep)


def _maker(name: str, text: str, features: bool, alpha: bool, in_place: bool) -> Any:
    def times(input: Tensor, noise: Tensor) -> Tensor:
        return input.mul_(noise) if in_place else input.mul(noise)

    def drop(input: Tensor, p: float, train: bool) -> Tensor:
        if not 0 <= p <= 1:
            raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")
        if p == 0 or not train or input.numel() == 0:
            return input
        if p == 1:
            return times(input, _core.zeros((), dtype=input.dtype, device=input.device))
        noise = _noise(input, 1 - p, features)
        if not alpha:
            return times(input, noise.div_(1 - p))
        a = 1 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
        b = noise.add(-1).mul_(_ALPHA * a).add_(_ALPHA * a * p)
        return times(input, noise.mul_(a)).add_(b)

    drop.__name__ = drop.__qualname__ = name
    drop.__doc__ = f"{text}{' In place.' if in_place else ''} Derivative: g times the same factors."
    return drop


_ELEMENTS = "While training, each element is zeroed with probability p and the others divided by 1 - p."
_FEATURES = "While training, each channel of each example is zeroed with probability p, the others divided by 1 - p."
_MOVED = (
    "While training, each {} is set to SELU's saturation with probability p; then all are scaled and shifted so "
    "that mean 0 and variance 1 are kept (Klambauer et al. 2017)."
)

dropout = _maker("dropout", _ELEMENTS, False, False, False)
dropout_ = _maker("dropout_", _ELEMENTS, False, False, True)
feature_dropout = _maker("feature_dropout", _FEATURES, True, False, False)
feature_dropout_ = _maker("feature_dropout_", _FEATURES, True, False, True)
alpha_dropout = _maker("alpha_dropout", _MOVED.format("element"), False, True, False)
alpha_dropout_ = _maker("alpha_dropout_", _MOVED.format("element"), False, True, True)
feature_alpha_dropout = _maker("feature_alpha_dropout", _MOVED.format("channel"), True, True, False)
feature_alpha_dropout_ = _maker("feature_alpha_dropout_", _MOVED.format("channel"), True, True, True)


@composition("native_dropout")
def native_dropout(input: Tensor, p: float, train: Any) -> Any:
    """The result of dropout and which elements were kept. Derivative: g at the kept ones, divided by 1 - p."""
    if input.numel() == 0:
        return input, _core.empty_like(input, dtype=_core.bool)
    if train is not None and not train:
        return input.clone(), _core.ones_like(input, dtype=_core.bool)
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(f"result type Float can't be cast to the desired output type {input.dtype}")
    if p == 1:
        kept = _core.zeros_like(input, dtype=_core.bool)
        return input * kept, kept
    kept = _core.empty_like(input, dtype=_core.bool).bernoulli_(1 - p)
    return input.mul(kept).mul(1 / (1 - p)), kept
