# Convolutions: conv1d to conv3d, their transposes, and the one over time.
"""Convolutions of one, two and three dimensions; the core's `convolution` computes them, and their derivatives.

Images are [N, C, ...] or, of one example, [C, ...]. A convolution of stride s, padding p and dilation d turns n
elements into (n + 2 p - d (k - 1) - 1) // s + 1; the transposed one is its adjoint (Dumoulin and Visin 2016).
"""

from __future__ import annotations

import warnings
from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import autocasts, composition

__all__ = ["conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]
METHODS = ()

_f = _core.functions


def _numbers(name: str, argument: str, value: Any, rank: int) -> Any:
    """One number for each dimension."""
    if type(value) is int:
        return (value,) * rank
    try:
        numbers = tuple(one.__index__() for one in value) if hasattr(value, "__iter__") else (value.__index__(),)
    except AttributeError:
        raise TypeError(
            f"{name}(): argument '{argument}' must be int or tuple of ints, but got {type(value).__name__}"
        ) from None
    return numbers * rank if len(numbers) == 1 else numbers


def _check_tensors(name: str, input: Any, weight: Any, bias: Any) -> None:
    for position, (argument, value) in enumerate((("input", input), ("weight", weight), ("bias", bias)), 1):
        if not (
            isinstance(value, Tensor) or hasattr(type(value), "__torch_function__") or (position == 3 and value is None)
        ):
            raise TypeError(
                f"{name}() received an invalid combination of arguments: argument '{argument}' (position {position}) "
                f"must be Tensor, not {type(value).__name__}"
            )


def _batched(name: str, input: Any, rank: int) -> bool:
    """Whether the input is a batch; RuntimeError for another number of dimensions."""
    dims = input.dim()
    if dims not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {name}, "
            f"but got input of size: {list(input.shape)}"
        )
    return dims == rank + 2


def _same(input: Any, weight: Any, stride: Any, dilation: Any) -> tuple[Any, Any]:
    """Paddings of a result of the input's size, and the input with one more element where they are uneven."""
    if any(step != 1 for step in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for d, k in zip(dilation, tuple(weight.shape)[2:], strict=False)]
    if any(total % 2 for total in totals):
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the "
            "input be created",
            stacklevel=4,
        )
        more = [pad for total in reversed(totals) for pad in (0, total % 2)]
        input = _core.nn_functions["pad_map"](input, more, "constant", 0)
    return tuple(total // 2 for total in totals), input


def _convolve(
    rank: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    name = f"conv{rank}d"
    _check_tensors(name, input, weight, bias)
    batched = _batched(name, input, rank)
    stride = _numbers(name, "stride", stride, rank)
    dilation = _numbers(name, "dilation", dilation, rank)
    if not batched:
        input = input.unsqueeze(0)
    if type(padding) is str:
        if padding == "same":
            padding, input = _same(input, weight, stride, dilation)
        elif padding == "valid":
            padding = (0,) * rank
        else:
            raise RuntimeError(f"Invalid padding string: '{padding}': it is 'valid' or 'same', or numbers")
    else:
        padding = _numbers(name, "padding", padding, rank)
    out = _f["convolution"](input, weight, bias, stride, padding, dilation, False, (0,) * rank, groups)
    return out if batched else out.squeeze(0)


def _convolve_back(
    rank: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Any:
    name = f"conv_transpose{rank}d"
    _check_tensors(name, input, weight, bias)
    batched = _batched(name, input, rank)
    given = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": output_padding}
    numbers = {argument: _numbers(name, argument, value, rank) for argument, value in given.items()}
    if not batched:
        input = input.unsqueeze(0)
    out = _f["convolution"](input, weight, bias, transposed=True, groups=groups, **numbers)
    return out if batched else out.squeeze(0)


@autocasts("lower")
def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The convolution of signals [N, C, L] with weight [out, C / groups, k], plus a bias for each channel.

    `padding` is numbers, 'valid' (none) or 'same' (a result of the input's size; stride 1). RuntimeError where the
    sizes do not fit. Derivative: convolutions of g with weight and input.
    """
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


@autocasts("lower")
def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The convolution of images [N, C, H, W] with weight [out, C / groups, kh, kw]; see conv1d."""
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


@autocasts("lower")
def conv3d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The convolution of volumes [N, C, D, H, W] with weight [out, C / groups, kd, kh, kw]; see conv1d."""
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


@autocasts("lower")
def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The adjoint of conv1d: signals [N, C, L] with weight [C, out / groups, k] to (L - 1) stride - 2 padding + ... .

    `output_padding` lengthens the result, where several lengths would give the input's; it is smaller than the stride
    or the dilation. Derivative: convolutions of g with weight and input.
    """
    return _convolve_back(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@autocasts("lower")
def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The adjoint of conv2d, with weight [C, out / groups, kh, kw]; see conv_transpose1d."""
    return _convolve_back(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@autocasts("lower")
def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The adjoint of conv3d, with weight [C, out / groups, kd, kh, kw]; see conv_transpose1d."""
    return _convolve_back(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


@autocasts("lower")
@composition("conv_tbc", saves=("self", "weight", "bias"))
def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """The convolution over time of [T, N, C] with weight [k, C, out] and a bias. Derivative: that of conv1d."""
    for name, x, rank in (("Input", input, 3), ("Weight", weight, 3), ("Bias", bias, 1)):
        if x.dim() != rank:
            raise RuntimeError(f"{name} must have {rank} {'dims: time, batch, in_channel' if x is input else 'dims'}.")
    if input.shape[2] != weight.shape[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if weight.shape[2] != bias.shape[0]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    signals, kernels = input.permute(1, 2, 0), weight.permute(2, 1, 0)
    return _f["convolution"](signals, kernels, bias, (1,), (pad,), (1,), False, (0,), 1).permute(2, 0, 1)
