# Pools: averages, maxima and norms over windows, of given sizes or such that the result has a given size.
"""Pools over windows of the last one, two or three dimensions."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless.composition import autocasts, composition
from tapeless.nn.functional._checks import need_tensor, spelled

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]


def _several(name: str, what: str, value: Any, rank: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * rank
    value = tuple(int(one) for one in value)
    if len(value) not in (1, rank):
        raise RuntimeError(f"{name}: {what} must either be a single int, or a tuple of {rank} ints")
    return value * rank if len(value) == 1 else value


class _Form:
    """The checked numbers of a pool, and how many windows there are."""

    def __init__(
        self, name: str, input: Any, rank: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
    ) -> None:
        need_tensor(name, "input", 1, input)
        self.kernel = _several(name, "kernel_size", kernel, rank)
        empty = stride is None or (not isinstance(stride, int) and len(stride) == 0)
        self.stride = self.kernel if empty else _several(name, "stride", stride, rank)
        self.padding = _several(name, "padding", padding, rank)
        self.dilation = _several(name, "dilation", dilation, rank)
        shape = tuple(input.shape)
        if min(self.kernel) <= 0:
            raise RuntimeError(f"{name}: kernel size should be greater than zero, but got {self.kernel}")
        if min(self.stride) <= 0:
            raise RuntimeError(f"{name}: stride should not be zero, but got {self.stride}")
        if min(self.dilation) <= 0:
            raise RuntimeError(f"{name}: dilation should be greater than zero, but got {self.dilation}")
        if min(self.padding) < 0:
            raise RuntimeError(f"{name}: pad must be non-negative, but got pad: {min(self.padding)}")
        if any(p > (d * (k - 1) + 1) // 2 for p, d, k in zip(self.padding, self.dilation, self.kernel, strict=True)):
            raise RuntimeError(
                f"{name}: pad should be at most half of effective kernel size, but got pad={self.padding}, "
                f"kernel_size={self.kernel} and dilation={self.dilation}"
            )
        if len(shape) not in (rank + 1, rank + 2) or 0 in shape[-rank - 1 :]:
            raise RuntimeError(
                f"{name}: non-empty {rank + 1}D or {rank + 2}D (batch mode) tensor expected for input, with optional 0 "
                f"dim batch size, but got: {list(shape)}"
            )
        self.count = tuple(self._windows(d, shape[-rank + d], ceil) for d in range(rank))
        if min(self.count) < 1:
            raise RuntimeError(
                f"Given input size: {shape[-rank - 1 :]}. Calculated output size: {self.count}. "
                "Output size is too small"
            )

    def _windows(self, d: int, size: int, ceil: bool) -> int:
        k, s, p = self.dilation[d] * (self.kernel[d] - 1) + 1, self.stride[d], self.padding[d]
        count = (size + 2 * p - k + (s - 1 if ceil else 0)) // s + 1
        # A window that would begin behind the input and its padding before is left out.
        return count - 1 if ceil and (count - 1) * s >= size + p else count


# --- averages ---


def _average(input: Any, form: _Form, include_pad: bool, divisor: int | None) -> Any:
    if not (input.is_floating_point() or input.dtype is tapeless.int64):
        raise NotImplementedError(
            f"\"avg_pool\" not implemented for '{spelled(input)}': convert first, for example with input.float()"
        )
    whole = divisor is None and input.is_floating_point()
    out = tapeless._nn.average_windows(input, form.kernel, form.stride, form.padding, form.count, include_pad, whole)
    if whole:
        return out
    if divisor is None:
        divisor = _sizes(input, form, include_pad)
    return out / divisor if input.is_floating_point() else out.div(divisor, rounding_mode="trunc")


def _sizes(input: Any, form: _Form, include_pad: bool) -> Any:
    """How many elements each window has, which an average of integers is divided by."""
    out = tapeless.ones((), dtype=tapeless.int64)
    rank = len(form.kernel)
    for d, (k, s, p, count) in enumerate(zip(form.kernel, form.stride, form.padding, form.count, strict=True)):
        size = input.shape[-rank + d]
        starts = tapeless.arange(count) * s - p
        ends = (starts + k).clamp(max=size + p)
        if not include_pad:
            starts, ends = starts.clamp(min=0), ends.clamp(max=size)
        out = out.unsqueeze(-1) * (ends - starts)
    return out


def _average_node(rank: int) -> Any:
    @composition(f"avg_pool{rank}d", saves=("self",))
    def average(input: Any, form: _Form, include_pad: bool, divisor: int | None) -> Any:
        return _average(input, form, include_pad, divisor)

    return average


_AVERAGES = {rank: _average_node(rank) for rank in (2, 3)}


def _avg_pool(
    rank: int,
    input: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil: bool,
    include_pad: bool,
    divisor: int | None,
) -> Any:
    form = _Form(f"avg_pool{rank}d", input, rank, kernel, stride, padding, 1, ceil)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    return _AVERAGES[rank](input, form, include_pad, divisor)


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """Averages over windows of the last dimension of [N, C, L]. Derivative: a window's elements share g."""
    form = _Form("avg_pool1d", input, 1, kernel_size, stride, padding, 1, ceil_mode)
    kernel, steps, pads = ((one, value[0]) for one, value in ((1, form.kernel), (1, form.stride), (0, form.padding)))
    out = _avg_pool(2, input.unsqueeze(-2), kernel, steps, pads, ceil_mode, count_include_pad, None)
    return out.squeeze(-2)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """Averages over windows of the last two dimensions of [N, C, H, W]. Derivative: a window's elements share g."""
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@autocasts("float32")
def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """Averages over windows of the last three dimensions. Derivative: a window's elements share g."""
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# --- maxima ---


def _max_node(name: str) -> Any:
    @composition(name)
    def largest(input: Any, form: Any) -> Any:
        if input.dtype is tapeless.bool or input.is_complex():
            raise NotImplementedError(f"\"max_pool\" not implemented for '{spelled(input)}'")
        if isinstance(form, tuple):
            return tapeless._nn.adaptive_max(input, form)
        return tapeless._nn.max_windows(input, form.kernel, form.stride, form.padding, form.dilation, form.count)

    return largest


_MAXIMA = {rank: _max_node(f"max_pool{rank}d_with_indices") for rank in (2, 3)}
# PyTorch's policy is that of the maxima alone, without their places.
_MAXIMA_ALONE = {2: _MAXIMA[2], 3: autocasts("float32")(_MAXIMA[3])}
_ADAPTIVE_MAXIMA = {rank: _max_node(f"adaptive_max_pool{rank}d") for rank in (2, 3)}


def _max_pool(rank: int) -> Any:
    def max_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        form = _Form(f"max_pool{rank}d", input, rank, kernel_size, stride, padding, dilation, ceil_mode)
        if rank > 1:
            out = (_MAXIMA if return_indices else _MAXIMA_ALONE)[rank](input, form)
        else:
            flat = input.unsqueeze(-2)
            parts = ((1, form.kernel), (1, form.stride), (0, form.padding), (1, form.dilation))
            plane = _Form("max_pool1d", flat, 2, *((one, value[0]) for one, value in parts), ceil_mode)
            out = tuple(x.squeeze(-2) for x in _MAXIMA[2](flat, plane))
        return out if return_indices else out[0]

    max_pool.__name__ = max_pool.__qualname__ = f"max_pool{rank}d"
    max_pool.__doc__ = (
        f"The largest elements of windows of the last {rank} dimensions, and their places if return_indices. "
        "Derivative: g goes to those elements."
    )
    return max_pool


max_pool1d, max_pool2d, max_pool3d = (_max_pool(rank) for rank in (1, 2, 3))


def _with_indices(function: Any) -> Any:
    def pool(*args: Any, **kwargs: Any) -> Any:
        kwargs["return_indices"] = True
        return function(*args, **kwargs)

    pool.__name__ = pool.__qualname__ = f"{function.__name__}_with_indices"
    pool.__doc__ = f"{function.__name__} with the places of the largest elements. {function.__doc__}"
    return pool


max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = map(
    _with_indices, (max_pool1d, max_pool2d, max_pool3d)
)


# --- results of a given size ---


def _target(name: str, input: Any, size: Any, rank: int) -> tuple[int, ...]:
    need_tensor(name, "input", 1, input)
    shape = tuple(input.shape)
    if isinstance(size, int):
        size = (size,) * rank
    size = tuple(size)
    if rank > 1 and len(shape) <= rank:
        raise ValueError(f"Input dimension should be at least {rank + 1}, but got {list(shape)}")
    if len(size) != rank:
        raise RuntimeError(f"{name}: output_size must be {rank}, but got {len(size)} numbers")
    if len(shape) not in (rank + 1, rank + 2) or 0 in shape[-rank:]:
        raise RuntimeError(
            f"{name}(): Expected {rank + 1}D or {rank + 2}D tensor with non-zero sizes for non-batch dimensions, but "
            f"got {list(shape)}"
        )
    size = tuple(given if wanted is None else int(wanted) for wanted, given in zip(size, shape[-rank:], strict=True))
    if min(size) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0 but received {size}")
    if not input.is_floating_point():
        raise NotImplementedError(f"\"{name}\" not implemented for '{spelled(input)}'")
    return size


def _adaptive_node(rank: int) -> Any:
    @composition(f"adaptive_avg_pool{rank}d", saves=("self",))
    def average(input: Any, size: tuple[int, ...]) -> Any:
        return tapeless._nn.adaptive_average(input, size)

    return average


_ADAPTIVE_AVERAGES = {rank: _adaptive_node(rank) for rank in (2, 3)}


def _adaptive_average(input: Any, size: tuple[int, ...]) -> Any:
    if all(one == 1 for one in size):
        return input.mean(tuple(range(-1, -1 - len(size), -1)), keepdim=True)
    return _ADAPTIVE_AVERAGES[len(size)](input, size)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """Averages over output_size windows that divide the last dimension. Derivative: a window's elements share g."""
    size = _target("adaptive_avg_pool1d", input, output_size, 1)
    return _adaptive_average(input.unsqueeze(-2), (1, *size)).squeeze(-2)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """Averages over windows that divide the last two dimensions. Derivative: a window's elements share g."""
    return _adaptive_average(input, _target("adaptive_avg_pool2d", input, output_size, 2))


@autocasts("float32")
def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """Averages over windows that divide the last three dimensions. Derivative: a window's elements share g."""
    return _adaptive_average(input, _target("adaptive_avg_pool3d", input, output_size, 3))


def _adaptive_max(rank: int) -> Any:
    def pool(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        size = _target(f"adaptive_max_pool{rank}d", input, output_size, rank)
        if rank > 1:
            out = _ADAPTIVE_MAXIMA[rank](input, size)
        else:
            out = tuple(x.squeeze(-2) for x in _ADAPTIVE_MAXIMA[2](input.unsqueeze(-2), (1, *size)))
        return out if return_indices else out[0]

    pool.__name__ = pool.__qualname__ = f"adaptive_max_pool{rank}d"
    pool.__doc__ = (
        f"The largest elements of windows that divide the last {rank} dimensions, and their places if return_indices. "
        "Derivative: g goes to those elements."
    )
    return pool


adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (_adaptive_max(rank) for rank in (1, 2, 3))
adaptive_max_pool3d = autocasts("float32")(adaptive_max_pool3d)
adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices = map(
    _with_indices, (adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)
)


# --- norms, and the way back from maxima ---


def _lp_pool(rank: int) -> Any:
    def pool(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
        count = kernel_size**rank if isinstance(kernel_size, int) else math.prod(kernel_size)
        average = (avg_pool1d, avg_pool2d, avg_pool3d)[rank - 1]
        out = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        return (tapeless.sign(out) * tapeless.relu(tapeless.abs(out))).mul(count).pow(1.0 / norm_type)

    pool.__name__ = pool.__qualname__ = f"lp_pool{rank}d"
    pool.__doc__ = (
        f"The norms, to the power norm_type, of windows of the last {rank} dimensions. Derivative: that of the sum of "
        "powers and of its root."
    )
    return pool


lp_pool1d, lp_pool2d, lp_pool3d = (_lp_pool(rank) for rank in (1, 2, 3))


def _unpool_node(rank: int) -> Any:
    @autocasts("float32")
    @composition(f"max_unpool{rank}d")
    def unpool(input: Any, indices: Any, size: tuple[int, ...]) -> Any:
        shape = tuple(input.shape)
        lead, points = shape[:-rank], math.prod(size)
        places = indices.reshape(*lead, -1)
        if places.numel() and not 0 <= places.min().item() <= places.max().item() < points:
            bad = places.max().item()
            raise RuntimeError(
                f"Found an invalid max index: {bad} (output volumes are of size {'x'.join(map(str, size))})"
            )
        flat = tapeless.zeros(*lead, points, dtype=input.dtype)
        out = flat.scatter(-1, places, input.reshape(*lead, -1)).view(*lead, *size)
        last = rank == 2 and len(shape) == 4 and input.is_contiguous(memory_format=tapeless.channels_last)
        return out.clone(
            memory_format=tapeless.channels_last if last and not input.is_contiguous() else tapeless.contiguous_format
        )

    return unpool


_UNPOOLS = {rank: _unpool_node(rank) for rank in (2, 3)}


def _unpooled_size(
    input: Any, rank: int, kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], given: Any
) -> tuple[int, ...]:
    sizes = input.shape[-rank:]
    usual = tuple((n - 1) * s + k - 2 * p for n, s, k, p in zip(sizes, stride, kernel, padding, strict=True))
    if given is None:
        return usual
    given = tuple(given)[-rank:]
    if len(given) != rank:
        raise ValueError(f"output_size should be a sequence containing {rank} or {rank + 2} elements")
    for size, plain, step in zip(given, usual, stride, strict=True):
        if not plain - step < size < plain + step:
            raise ValueError(f'invalid output_size "{given}" (each must be near {usual}, less than a stride away)')
    return given


def _max_unpool(rank: int) -> Any:
    name = f"max_unpool{rank}d"

    def unpool(
        input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Any:
        need_tensor(name, "input", 1, input)
        kernel = _several(name, "kernel_size", kernel_size, rank)
        steps = kernel if stride is None else _several(name, "stride", stride, rank)
        size = _unpooled_size(input, rank, kernel, steps, _several(name, "padding", padding, rank), output_size)
        if indices.dtype is not tapeless.int64:
            raise RuntimeError(f"elements in indices should be type int64 but got: {spelled(indices)}")
        if indices.shape != input.shape:
            raise RuntimeError(
                f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got "
                "indices "
                f"tensor with shape: {list(indices.shape)}"
            )
        if rank > 1:
            return _UNPOOLS[rank](input, indices, size)
        return _UNPOOLS[2](input.unsqueeze(-1), indices.unsqueeze(-1), (*size, 1)).squeeze(-1)

    unpool.__name__ = unpool.__qualname__ = name
    unpool.__doc__ = (
        f"The way back from max_pool{rank}d: elements where they were the largest, 0 elsewhere. Derivative: g at those "
        "places."
    )
    return unpool


max_unpool1d, max_unpool2d, max_unpool3d = (_max_unpool(rank) for rank in (1, 2, 3))
