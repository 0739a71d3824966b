# Gradients of convolutions by themselves, as torch.nn.grad has them.
"""What conv1d to conv3d give their input and their weight for a gradient of the result.

Each is a convolution itself, so it has derivatives of its own.
"""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless.nn import functional

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _numbers(value: Any, rank: int) -> tuple[int, ...]:
    numbers = (value,) if isinstance(value, int) else tuple(value)
    return numbers * rank if len(numbers) == 1 else numbers


def _input(rank: int, size: Any, weight: Any, g: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    stride, padding, dilation = (_numbers(value, rank) for value in (stride, padding, dilation))
    if len(size) != rank + 2:
        raise RuntimeError(
            f"Expected {weight.dim()}-dimensional input for {weight.dim()}-dimensional weight {list(weight.shape)}, "
            f"but got {len(size)}-dimensional input of size {list(size)} instead"
        )
    # How much longer the input was than the least one that has such a result.
    least = [
        (g.shape[2 + d] - 1) * stride[d] - 2 * padding[d] + dilation[d] * (weight.shape[2 + d] - 1) + 1
        for d in range(rank)
    ]
    more = [size[2 + d] - least[d] for d in range(rank)]
    for d in range(rank):
        if not 0 <= more[d] < stride[d]:
            wanted = (size[2 + d] - least[d]) // stride[d] + g.shape[2 + d]
            raise RuntimeError(
                f"Expected a tensor of dimension {rank + 2} and tensor.size[{2 + d}] == {wanted} but got: dimension "
                f"{g.dim()} and tensor.size[{2 + d}] = {g.shape[2 + d]}"
            )
    return tapeless.convolution(g, weight, None, stride, padding, dilation, True, more, groups)


def _weight(rank: int, input: Any, size: Any, g: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    steps = (_numbers(value, rank) for value in (stride, padding, dilation))
    return functional.convolution.weight_gradient(input, g, tuple(size), *steps, groups)


def conv1d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of conv1d's input, which has that size. Derivatives: conv1d, and conv1d_weight."""
    return _input(1, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of conv1d's weight, which has that size. Derivatives: conv1d_input, and conv1d."""
    return _weight(1, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of conv2d's input, which has that size. Derivatives: conv2d, and conv2d_weight."""
    return _input(2, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of conv2d's weight, which has that size. Derivatives: conv2d_input, and conv2d."""
    return _weight(2, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of conv3d's input, which has that size. Derivatives: conv3d, and conv3d_weight."""
    return _input(3, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The gradient of conv3d's weight, which has that size. Derivatives: conv3d_input, and conv3d."""
    return _weight(3, input, weight_size, grad_output, stride, padding, dilation, groups)
