# Convolutions as modules.
"""Conv1d to 3d, their transposes, and the lazy forms of both."""

import math
from typing import Any

import tapeless
from tapeless.nn import functional as F
from tapeless.nn import init
from tapeless.nn.modules.lazy import LazyModuleMixin
from tapeless.nn.modules.module import Module
from tapeless.nn.modules.utils import _ntuple
from tapeless.nn.parameter import Parameter, UninitializedParameter

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]

_MODES = ("zeros", "reflect", "replicate", "circular")


def _amounts(padding: Any, dilation: tuple[int, ...], kernel_size: tuple[int, ...]) -> list[int]:
    """What F.pad is given for a padding: two numbers for each dimension, the last first."""
    amounts: list[int] = []
    for at in reversed(range(len(kernel_size))):
        if padding == "same":
            total = dilation[at] * (kernel_size[at] - 1)
            amounts += [total // 2, total - total // 2]
        else:
            amounts += [0, 0] if padding == "valid" else [padding[at]] * 2
    return amounts


def _check(
    in_channels: int, out_channels: int, stride: tuple[int, ...], padding: Any, groups: int, padding_mode: str
) -> None:
    """Refuses arguments that no convolution can have."""
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups != 0:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups != 0:
        raise ValueError("out_channels must be divisible by groups")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'valid', 'same'}}")
        if padding == "same" and any(step != 1 for step in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in _MODES:
        raise ValueError(f"padding_mode must be one of {set(_MODES)}, but got padding_mode='{padding_mode}'")


class _ConvNd(Module):
    """What convolutions share: weight (out, in / groups, *kernel), of transposed ones (in, out / groups, *kernel).

    Weight and bias begin uniform in ±1/sqrt(in / groups * elements of the kernel).
    """

    __constants__ = [
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
        "output_padding",
        "in_channels",
        "out_channels",
        "kernel_size",
    ]
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Any
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Any
    bias: Any

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: Any,
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check(in_channels, out_channels, stride, padding, groups, padding_mode)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = _amounts(padding, dilation, kernel_size)
        lead = (in_channels, out_channels // groups) if transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(tapeless.empty((*lead, *kernel_size), device=device, dtype=dtype))
        values = tapeless.empty(out_channels, device=device, dtype=dtype) if bias else None
        self.register_parameter("bias", None if values is None else Parameter(values))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """The sizes, and what is not as by default."""
        rank = len(self.kernel_size)
        told = [
            f"{self.in_channels}",
            f"{self.out_channels}",
            f"kernel_size={self.kernel_size}",
            f"stride={self.stride}",
        ]
        for name, usual in (("padding", (0,)), ("dilation", (1,)), ("output_padding", (0,))):
            if getattr(self, name) != usual * rank:
                told.append(f"{name}={getattr(self, name)}")
        if self.groups != 1:
            told.append(f"groups={self.groups}")
        if self.bias is None:
            told.append("bias=False")
        if self.padding_mode != "zeros":
            told.append(f"padding_mode={self.padding_mode}")
        return ", ".join(told)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


class _Convolution(_ConvNd):
    """A convolution of `_rank` dimensions, by the function `_function` of nn.functional."""

    _rank: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        rank = self._rank
        super().__init__(
            in_channels,
            out_channels,
            _ntuple(rank)(kernel_size),
            _ntuple(rank)(stride),
            padding if isinstance(padding, str) else _ntuple(rank)(padding),
            _ntuple(rank)(dilation),
            False,
            (0,) * rank,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        function = getattr(F, f"conv{self._rank}d")
        return function(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Any) -> Any:
        """See `nn.functional.conv1d`, `conv2d` and `conv3d`."""
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Convolution):
    """The convolution of (N, C, L) or (C, L)."""

    _rank = 1


class Conv2d(_Convolution):
    """The convolution of (N, C, H, W) or (C, H, W)."""

    _rank = 2


class Conv3d(_Convolution):
    """The convolution of (N, C, D, H, W) or (C, D, H, W)."""

    _rank = 3


class _ConvTransposeNd(_ConvNd):
    """The derivative of a convolution with respect to its input, as a layer (Zeiler et al. 2010).

    A result's size is known up to the stride; output_padding, or output_size given to `forward`, decides it.
    """

    _rank: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        rank = self._rank
        super().__init__(
            in_channels,
            out_channels,
            _ntuple(rank)(kernel_size),
            _ntuple(rank)(stride),
            _ntuple(rank)(padding),
            _ntuple(rank)(dilation),
            True,
            _ntuple(rank)(output_padding),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _output_padding(
        self,
        input: Any,
        output_size: Any,
        stride: Any,
        padding: Any,
        kernel_size: Any,
        num_spatial_dims: int,
        dilation: Any = None,
    ) -> tuple[int, ...]:
        """What has to be added to the smallest possible result for it to have `output_size`."""
        if output_size is None:
            return _ntuple(num_spatial_dims)(self.output_padding)
        rank = num_spatial_dims
        lead = input.dim() - rank
        if len(output_size) == lead + rank:
            output_size = output_size[lead:]
        if len(output_size) != rank:
            raise ValueError(
                f"ConvTranspose{rank}D: for {input.dim()}D input, output_size must have {rank} or {lead + rank} "
                f"elements (got {len(output_size)})"
            )
        dilation = dilation if dilation is not None else [1] * rank
        least = [
            (input.size(lead + at) - 1) * stride[at] - 2 * padding[at] + dilation[at] * (kernel_size[at] - 1) + 1
            for at in range(rank)
        ]
        most = [small + step - 1 for small, step in zip(least, stride, strict=False)]
        if any(not low <= size <= high for low, size, high in zip(least, output_size, most, strict=True)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} to {most} (for an "
                f"input of {input.size()[2:]})"
            )
        return tuple(size - low for size, low in zip(output_size, least, strict=True))

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """See `nn.functional.conv_transpose1d` and the like; output_size may leave out batch and channels."""
        rank = self._rank
        added = self._output_padding(
            input, output_size, self.stride, self.padding, self.kernel_size, rank, self.dilation
        )
        function = getattr(F, f"conv_transpose{rank}d")
        return function(input, self.weight, self.bias, self.stride, self.padding, added, self.groups, self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """The transposed convolution of (N, C, L) or (C, L)."""

    _rank = 1


class ConvTranspose2d(_ConvTransposeNd):
    """The transposed convolution of (N, C, H, W) or (C, H, W)."""

    _rank = 2


class ConvTranspose3d(_ConvTransposeNd):
    """The transposed convolution of (N, C, D, H, W) or (C, D, H, W)."""

    _rank = 3


class _LazyConvXdMixin(LazyModuleMixin):
    """What lazy convolutions share: the number of input channels is that of the first input."""

    groups: int
    transposed: bool
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    weight: Any
    bias: Any

    def _wait(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        """Leave weight and bias, which were made for no channels, without a shape."""
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, once they have a shape."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> None:
        """Take the number of channels from an input."""
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._get_in_channels(input)
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if self.transposed:
            lead = (self.in_channels, self.out_channels // self.groups)
        else:
            lead = (self.out_channels, self.in_channels // self.groups)
        self.weight.materialize((*lead, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()

    def _get_in_channels(self, input: Any) -> int:
        rank = self._get_num_spatial_dims()
        if input.dim() not in (rank + 1, rank + 2):
            raise RuntimeError(
                f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {type(self).__name__}, but got "
                f"input of size: {input.shape}"
            )
        return input.shape[1] if input.dim() == rank + 2 else input.shape[0]

    def _get_num_spatial_dims(self) -> int:
        return self._rank


class _LazyConvolution(_LazyConvXdMixin):
    """The constructor of lazy convolutions."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        # Without a bias for now: its values would be drawn before those of the weight.
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._wait(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConvolution, Conv1d):
    """A Conv1d that takes in_channels from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConvolution, Conv2d):
    """A Conv2d that takes in_channels from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConvolution, Conv3d):
    """A Conv3d that takes in_channels from its first input."""

    cls_to_become = Conv3d


class _LazyTransposed(_LazyConvXdMixin):
    """The constructor of lazy transposed convolutions."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._wait(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyTransposed, ConvTranspose1d):
    """A ConvTranspose1d that takes in_channels from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposed, ConvTranspose2d):
    """A ConvTranspose2d that takes in_channels from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposed, ConvTranspose3d):
    """A ConvTranspose3d that takes in_channels from its first input."""

    cls_to_become = ConvTranspose3d
