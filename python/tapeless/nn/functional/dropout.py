# Dropout of elements and of channels.
"""Dropout, with PyTorch's random numbers for the same seed."""

from __future__ import annotations

import warnings
from typing import Any

import tapeless

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]


def _checked(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """While training, each element is zeroed with probability p and the others divided by 1 - p."""
    _checked(p)
    return (tapeless.dropout_ if inplace else tapeless.dropout)(input, p, training)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout for SELU: elements are set to its saturation; mean 0 and variance 1 are kept."""
    _checked(p)
    return (tapeless.alpha_dropout_ if inplace else tapeless.alpha_dropout)(input, p, training)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """alpha_dropout of whole channels of each example."""
    _checked(p)
    return (tapeless.feature_alpha_dropout_ if inplace else tapeless.feature_alpha_dropout)(input, p, training)


def _features(input: Any, p: float, training: bool, inplace: bool, single: bool) -> Any:
    """Channels zeroed; `single`: the input is one example."""
    function = tapeless.feature_dropout_ if inplace else tapeless.feature_dropout
    if not single:
        return function(input, p, training)
    if inplace:
        return function(input.unsqueeze_(0), p, training).squeeze_(0)
    return function(input.unsqueeze(0), p, training).squeeze(0)


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """While training, channels of [N, C, L] or [C, L] are zeroed with probability p, the others divided by 1 - p."""
    _checked(p)
    ndim = input.dim()
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Channels with one spatial dimension "
            "are [N, C, L] or [C, L]; add a dimension, or use dropout for elements"
        )
    return _features(input, p, training, inplace, ndim == 2)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """While training, channels of [N, C, H, W] are zeroed with probability p, the others divided by 1 - p.

    Three dimensions are taken for [N, C, L], as they always were.
    """
    _checked(p)
    ndim = input.dim()
    if ndim not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {ndim}-D input to dropout2d, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead.",
            stacklevel=2,
        )
    if ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is "
            "desired - input is interpreted as shape (N, C, L). Use dropout1d to say so.",
            stacklevel=2,
        )
    return _features(input, p, training, inplace, False)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """While training, channels of [N, C, D, H, W] or [C, D, H, W] are zeroed with probability p, others scaled."""
    _checked(p)
    ndim = input.dim()
    if ndim not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {ndim}-D input to dropout3d, which is deprecated and will result in an error in a "
            "future release. To retain the behavior and silence this warning, please use dropout instead.",
            stacklevel=2,
        )
    return _features(input, p, training, inplace, ndim == 4)
