# Elements moved as images need it: constant padding, pixels and channels in another order.
"""Padding by a constant, and shuffles of pixels and channels."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import composition

__all__ = ["channel_shuffle", "constant_pad_nd", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]
METHODS = ()


@composition("constant_pad_nd")
def constant_pad_nd(input: Tensor, pad: Any, value: Any = 0) -> Tensor:
    """input with `value` before and after its last dimensions; negative counts cut off. Derivative: g cut out."""
    pad = tuple(int(count) for count in pad)
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * input.dim():
        raise RuntimeError(
            f"Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(pad)} while the input has {input.dim()} dimensions."
        )
    for k in range(len(pad) // 2):
        size = input.shape[-1 - k] + pad[2 * k] + pad[2 * k + 1]
        if size < 0:
            raise RuntimeError(
                f"The input size {input.shape[-1 - k]}, plus negative padding {pad[2 * k]} and {pad[2 * k + 1]} "
                f"resulted in a negative output size, which is invalid. Check dimension {input.dim() - 1 - k}"
            )
    return _core.nn_functions["pad_map"](input, pad, "constant", value)


def _moved(parts: Tensor, *sizes: int) -> Tensor:
    """The elements in the order of parts, with other sizes and memory of their own."""
    out = parts.reshape(sizes)
    return out.clone() if out._is_view() else out


def _need_images(name: str, input: Tensor, factor: int, what: str) -> None:
    if input.dim() < 3:
        raise RuntimeError(f"{name} expects input to have at least 3 dimensions, but got input with {input.dim()}")
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {what}, but got {factor}")


@composition("pixel_shuffle")
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """[..., C r r, H, W] to [..., C, H r, W r] (Shi et al. 2016). Derivative: pixel_unshuffle."""
    _need_images("pixel_shuffle", input, upscale_factor, "upscale_factor")
    *lead, channels, height, width = input.shape
    r = upscale_factor
    if channels % (r * r):
        raise RuntimeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(lead)
    parts = input.reshape(*lead, channels // (r * r), r, r, height, width)
    parts = parts.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return _moved(parts, *lead, channels // (r * r), height * r, width * r)


@composition("pixel_unshuffle")
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """[..., C, H r, W r] to [..., C r r, H, W]. Derivative: pixel_shuffle."""
    _need_images("pixel_unshuffle", input, downscale_factor, "downscale_factor")
    *lead, channels, height, width = input.shape
    r = downscale_factor
    for name, size in (("height", height), ("width", width)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input's {name}={size} is "
                f"not divisible by {r}"
            )
    n = len(lead)
    parts = input.reshape(*lead, channels, height // r, r, width // r, r)
    parts = parts.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return _moved(parts, *lead, channels * r * r, height // r, width // r)


def _shuffled(input: Tensor, groups: int) -> Tensor:
    if input.dim() < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    n, channels, *rest = input.shape
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    parts = input.reshape(n, groups, channels // groups, *rest).transpose(1, 2)
    return _moved(parts, n, channels, *rest)


@composition("channel_shuffle")
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels of [N, C, ...] in `groups` runs, taken in turns (Zhang et al. 2018). Derivative: the way back."""
    return _shuffled(input, groups)


@composition("native_channel_shuffle")
def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """channel_shuffle. Derivative: the way back."""
    return _shuffled(input, groups)
