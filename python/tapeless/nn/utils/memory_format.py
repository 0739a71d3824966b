# Laying out the weights of convolutions with the channels last.
"""Converting weights of convolutions to a memory format."""

from typing import Any

import tapeless

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _convert(module: Any, memory_format: Any, kinds: tuple[str, ...]) -> Any:
    if isinstance(module, tuple(getattr(tapeless.nn, kind) for kind in kinds)):
        data = module.weight.detach().clone(memory_format=memory_format)
        module.weight.data = data.resize_(module.weight.data.size(), memory_format=memory_format)
    for child in module.children():
        _convert(child, memory_format, kinds)
    return module


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Lay out the weights of all Conv2d and ConvTranspose2d in a module that way, in place."""
    return _convert(module, memory_format, ("Conv2d", "ConvTranspose2d"))


def convert_conv3d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Lay out the weights of all Conv3d and ConvTranspose3d in a module that way, in place."""
    return _convert(module, memory_format, ("Conv3d", "ConvTranspose3d"))
