# Normalisation layers: over positions, groups, batches, examples, and neighbouring channels.
"""Normalisation layers as functions."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless.nn.functional._checks import need_tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """The last dimensions brought to mean 0 and variance 1, weighted and shifted; see `torch.layer_norm`."""
    return tapeless.layer_norm(input, normalized_shape, weight, bias, eps)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """The last dimensions divided by the root of their mean square, weighted; see `torch.rms_norm`."""
    return tapeless.rms_norm(input, normalized_shape, weight, eps)


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Groups of channels brought to mean 0 and variance 1, weighted and shifted; see `torch.group_norm`."""
    need_tensor("group_norm", "input", 1, input)
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    shape = tuple(input.shape)
    _need_several((shape[0] * shape[1] // num_groups, num_groups, *shape[2:]))
    return tapeless.group_norm(input, num_groups, weight, bias, eps)


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Channels brought to mean 0 and variance 1, weighted and shifted; see `torch.batch_norm`."""
    need_tensor("batch_norm", "input", 1, input)
    if eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive, but got {eps}")
    if training:
        _need_several(tuple(input.shape))
    return tapeless.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Channels of each example brought to mean 0 and variance 1; see `torch.instance_norm`."""
    need_tensor("instance_norm", "input", 1, input)
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}: the mean of one "
            "element is itself; use batch_norm, or use_input_stats=False"
        )
    return tapeless.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True)


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """input / (k + alpha * mean of squares over `size` neighbouring channels) ** beta (Krizhevsky et al. 2012)."""
    need_tensor("local_response_norm", "input", 1, input)
    ndim = input.dim()
    if ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {ndim} dimensions)")
    if input.numel() == 0:
        return input
    squares = input.mul(input)
    channels = input.shape[1]
    padded = tapeless.constant_pad_nd(squares, (0, 0) * (ndim - 2) + (size // 2, (size - 1) // 2))
    total = padded.narrow(1, 0, channels)
    for at in range(1, size):
        total = total + padded.narrow(1, at, channels)
    return input / (total / size).mul(alpha).add(k).pow(beta)


def _need_several(shape: tuple[int, ...]) -> None:
    """Refuses statistics of a single value."""
    if shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {tapeless.Size(shape)}: one value "
            "is its own mean; give a larger batch, or running statistics with training=False"
        )
