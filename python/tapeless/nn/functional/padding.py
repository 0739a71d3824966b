# Padding in its four modes, and rearrangements of channels and pixels.
"""Padding, and channels and pixels in another order."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless.composition import autocasts, composition
from tapeless.nn.functional._checks import need_tensor

__all__ = ["channel_shuffle", "fold", "pad", "pixel_shuffle", "pixel_unshuffle", "unfold"]


def _padded(name: str, word: str) -> Any:
    @composition(name, saves=("self",))
    def padded(input: Any, pad: tuple[int, ...]) -> Any:
        return tapeless._nn.pad_map(input, pad, word)

    return padded


_MAPS = {
    (word, rank): (autocasts("float32") if (word, rank) != ("reflect", 3) else lambda plain: plain)(
        _padded(f"{node}_pad{rank}d", word)
    )
    for word, node in (("reflect", "reflection"), ("replicate", "replication"))
    for rank in (1, 2, 3)
}


def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """Elements before and after the last dimensions: `pad` is (before, after) of the last, then of the one before.

    A constant (0 unless `value` says otherwise; negative counts cut off), the mirror image without the edge, the
    edge, or the other end. Derivative: each goes back to where it came from.
    """
    need_tensor("pad", "input", 1, input)
    pad = tuple(int(count) for count in pad)
    if len(pad) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but got {len(pad)} numbers")
    if len(pad) // 2 > input.dim():
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.dim()}"
        )
    if mode == "constant":
        return tapeless.constant_pad_nd(input, pad, 0 if value is None else value)
    if value is not None and value != 0:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    rank = len(pad) // 2
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}: constant, reflect, replicate or circular")
    if rank not in (1, 2, 3) or input.dim() not in (rank + 1, rank + 2):
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: "
            f"{mode} padding of {rank} dimensions needs an input of {rank + 1} or {rank + 2}, but got {input.dim()}"
        )
    _check_pad(input, pad, mode)
    if mode == "circular":
        return _circular(input, pad)
    return _MAPS[mode, rank](input, pad)


def _check_pad(input: Any, pad: tuple[int, ...], mode: str) -> None:
    for k in range(len(pad) // 2):
        size = input.shape[-1 - k]
        before, after = pad[2 * k], pad[2 * k + 1]
        if mode == "reflect" and (before >= size or after >= size):
            raise RuntimeError(
                "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
                f"({before}, {after}) at dimension {input.dim() - 1 - k} of input {list(input.shape)}"
            )
        if mode == "circular" and (before > size or after > size):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if size + before + after < (0 if mode == "circular" else 1):
            raise RuntimeError(
                f"input (size {size}) is too small: calculated output size {size + before + after} along dimension "
                f"{input.dim() - 1 - k} for padding ({before}, {after})"
            )
        if mode == "replicate" and size == 0:
            raise RuntimeError(f"Expected input with non-zero size for replicate padding, but got {list(input.shape)}")
    if mode == "reflect" and input.dtype is tapeless.bool:
        raise NotImplementedError("\"reflection_pad\" not implemented for 'Bool'")
    if mode == "replicate" and input.dtype is tapeless.bool:
        raise NotImplementedError("\"replication_pad\" not implemented for 'Bool'")


def _circular(input: Any, pad: tuple[int, ...]) -> Any:
    """Copies into an empty tensor, which PyTorch's graph shows as well."""
    shape = list(input.shape)
    for k in range(len(pad) // 2):
        shape[-1 - k] += pad[2 * k] + pad[2 * k + 1]
    out = tapeless.empty(shape, dtype=input.dtype, device=input.device)
    inside, source = out, input
    for k in range(len(pad) // 2):
        before, after = pad[2 * k], pad[2 * k + 1]
        start, end = max(before, 0), shape[-1 - k] - max(after, 0)
        inside = inside.narrow(-1 - k, start, end - start)
        source = source.narrow(-1 - k, max(-before, 0), end - start)
    inside.copy_(source)
    for k in range(len(pad) // 2):
        before, after = pad[2 * k], pad[2 * k + 1]
        size = shape[-1 - k]
        if before > 0:
            out.narrow(-1 - k, 0, before).copy_(out.narrow(-1 - k, size - before - max(after, 0), before))
        if after > 0:
            out.narrow(-1 - k, size - after, after).copy_(out.narrow(-1 - k, max(before, 0), after))
    return out


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """[..., C r r, H, W] to [..., C, H r, W r]; see `torch.pixel_shuffle`."""
    return tapeless.pixel_shuffle(input, upscale_factor)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """[..., C, H r, W r] to [..., C r r, H, W]; see `torch.pixel_unshuffle`."""
    return tapeless.pixel_unshuffle(input, downscale_factor)


def channel_shuffle(input: Any, groups: int) -> Any:
    """Channels of groups interleaved; see `torch.channel_shuffle`."""
    return tapeless.channel_shuffle(input, groups)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value) * (1 if len(value) == 2 else 2)


def _places(size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> tuple[int, ...]:
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(size, kernel, dilation, padding, stride, strict=True)
    )


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Windows of images, [N, C, H, W], as columns: [N, C kH kW, places]. Derivative: fold."""
    need_tensor("im2col", "input", 1, input)
    return _unfold(input, *map(_pair, (kernel_size, dilation, padding, stride)))


@composition("im2col")
def _unfold(input: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    if min(kernel) <= 0 or min(dilation) <= 0 or min(stride) <= 0 or min(padding) < 0:
        raise RuntimeError(
            f"unfold: kernel_size, dilation and stride should be greater than zero and padding not negative, but got "
            f"{kernel}, {dilation}, {stride} and {padding}"
        )
    shape = tuple(input.shape)
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {list(shape)}"
        )
    count = _places(shape[-2:], kernel, dilation, padding, stride)
    if min(count) < 1:
        raise RuntimeError(
            f"Given input with spatial size {shape[-2:]}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, "
            f"calculated shape of the array of sliding blocks as {count}, but its components must be at least one."
        )
    lead = shape[:-3]
    windows = tapeless._nn.window_map(input, kernel, dilation, padding, stride, count)
    parts = windows.view(*lead, shape[-3], kernel[0], count[0], kernel[1], count[1])
    rank = parts.dim()
    order = (*range(rank - 4), rank - 4, rank - 2, rank - 3, rank - 1)
    out = parts.permute(order).reshape(*lead, shape[-3] * kernel[0] * kernel[1], count[0] * count[1])
    return out.clone() if out._is_view() else out


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns of windows, [N, C kH kW, places], added up to images of output_size. Derivative: unfold."""
    need_tensor("col2im", "input", 1, input)
    return _fold(input, *map(_pair, (output_size, kernel_size, dilation, padding, stride)))


@composition("col2im")
def _fold(input: Any, size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    shape = tuple(input.shape)
    count = _places(size, kernel, dilation, padding, stride)
    block = kernel[0] * kernel[1]
    if len(shape) not in (2, 3) or shape[-2] % block or shape[-1] != count[0] * count[1]:
        raise RuntimeError(
            f"fold: given output_size={size}, kernel_size={kernel}, dilation={dilation}, padding={padding}, "
            f"stride={stride}, expected input's size at dimension -2 to be divisible by {block} and at dimension -1 to "
            f"match the calculated number of sliding blocks {count[0] * count[1]}, but got {list(shape)}"
        )
    lead, channels = shape[:-2], shape[-2] // block
    parts = input.reshape(*lead, channels, kernel[0], kernel[1], count[0], count[1])
    rank = parts.dim()
    order = (*range(rank - 4), rank - 4, rank - 2, rank - 3, rank - 1)
    windows = parts.permute(order).reshape(*lead, channels, kernel[0] * count[0], kernel[1] * count[1])
    return tapeless._nn.window_sum(windows, size, kernel, dilation, padding, stride, count)
