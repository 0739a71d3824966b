# Convolutions by their names in torch.nn.functional.
"""The same functions as the namespace's, where torch.nn.functional has them."""

from typing import Any

import tapeless
from tapeless import conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d, conv_transpose3d

__all__ = ["conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def weight_gradient(input: Any, g: Any, size: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """The gradient of a weight of that size, from the convolution's input and the gradient of its result."""
    return tapeless._nn.convolution_weight(input, g, size, stride, padding, dilation, groups)
