# Counting and searching: distinct elements, histograms, nonzero places, coordinates of flat indices.
"""Functions whose results say how many elements there are, or where they stand."""

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

from tapeless import _core, return_types
from tapeless._core import Tensor

__all__ = [
    "histc",
    "histogram",
    "histogramdd",
    "nonzero_static",
    "unique",
    "unique_consecutive",
    "unravel_index",
]
METHODS = ("histc", "histogram", "nonzero_static", "unique", "unique_consecutive")

_f = _core.functions


def _asked(found: Any, return_inverse: bool, return_counts: bool) -> Any:
    values, inverse, counts = found
    if not return_inverse and not return_counts:
        return values
    return (values, *((inverse,) if return_inverse else ()), *((counts,) if return_counts else ()))


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in rising order, or with dim the distinct slices in lexicographic order.

    On request each element's (slice's) place among them, and how often each occurs. A NaN equals nothing. The order
    is the same with sorted=False. No derivative.
    """
    if dim is None:
        found = _f["_unique2"](input, sorted, return_inverse, return_counts)
    else:
        found = _f["_unique_dim"](input, dim, sorted, return_inverse, return_counts)
    return _asked(found, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The first of each run of equal elements, or with dim of equal slices.

    On request the run of each element (slice), and how long each run is. A NaN equals nothing. No derivative.
    """
    found = _f["_unique_consecutive"](input, return_inverse, return_counts, dim)
    return _asked(found, return_inverse, return_counts)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Any = None) -> Tensor:
    """The coordinates of the first `size` elements that are not zero, (size, rank); fill_value where there are fewer.

    No derivative.
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, but it is {size}")
    places = _f["_nonzero"](input)[:size]
    rest = _core.full((size - places.shape[0], input.dim()), fill_value, dtype=_core.int64)
    return _f["cat"]([places, rest], 0, out=out)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, one tensor for each dimension, of flat indices into a tensor of this shape. No derivative."""
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == _core.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if isinstance(shape, int):
        shape = (shape,)
    if not isinstance(shape, Sequence):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    for size in shape:
        if not isinstance(size, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(size)}")
    if any(size < 0 for size in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(shape)}")
    steps = list(itertools.accumulate([1, *reversed(shape[1:])], operator.mul))[::-1] if shape else []
    strides = _core.tensor(steps, dtype=_core.int64)
    sizes = _core.tensor(list(shape), dtype=_core.int64)
    return tuple((indices.unsqueeze(-1).floor_divide(strides) % sizes).unbind(-1))


def _no_kernel(name: str, input: Tensor) -> NotImplementedError:
    kind = input.type().removeprefix("torch.").removesuffix("Tensor")
    return NotImplementedError(
        f"\"{name}\" not implemented for '{kind}': it needs a real floating dtype; convert "
        "first, for example with input.float()"
    )


def _bounds(name: str, x: Tensor, low: float, high: float) -> tuple[float, float]:
    """The range given, or if it is empty the elements' own."""
    if low == high and x.numel() > 0:
        low, high = x.min().item(), x.max().item()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low}, {high}] is not finite")
    return low, high


def histc(input: Tensor, bins: int = 100, min: Any = 0, max: Any = 0, *, out: Any = None) -> Tensor:
    """How many elements fall into each of `bins` even bins between min and max, or the extremes if these are equal.

    The last bin includes its end; elements outside and NaN are not counted. No derivative.
    """
    if not input.is_floating_point():
        raise _no_kernel("histogram_cpu", input)
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    low, high = _bounds("torch.histc", input, float(min), float(max))
    if low == high:
        low, high = low - 1, high + 1
    if low > high:
        raise RuntimeError(f"torch.histc: max must be larger than min, but got min {low} and max {high}")
    return _f["_histc"](input, _core.linspace(low, high, bins + 1, dtype=input.dtype), out=out)


def _even_edges(x: Tensor, counts: Sequence[int], range: Any) -> list[Tensor]:
    """Edges of even bins over a range, a pair for each column of x, or over the columns' own extremes."""
    edges = []
    for d, bins in enumerate(counts):
        if bins <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {d}")
        low, high = range[2 * d : 2 * d + 2] if range is not None else (0.0, 1.0)
        if range is None and x.numel() > 0:
            low, high = x[..., d].min().item(), x[..., d].max().item()
        if not (math.isfinite(low) and math.isfinite(high)):
            raise RuntimeError(f"torch.histogramdd: dimension {d}'s range [{low}, {high}] is not finite")
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low} max {high} for dimension {d}"
            )
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges.append(_core.linspace(low, high, bins + 1, dtype=x.dtype))
    return edges


def _check_points(input: Tensor, edges: Sequence[Tensor], weight: Any) -> None:
    if not input.is_floating_point() or input.dtype in (_core.float16, _core.bfloat16):
        raise _no_kernel("histogramdd", input)
    columns = input.shape[-1]
    if len(edges) != columns:
        raise RuntimeError(
            f"torch.histogramdd: expected {columns} sequences of bin edges for a {columns}-dimensional histogram but "
            f"got {len(edges)}"
        )
    for d, each in enumerate(edges):
        if each.dtype != input.dtype:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with "
                f"dtype {input.dtype} and bins for dimension {d} with dtype {each.dtype}"
            )
        if each.dim() != 1 or each.numel() == 0:
            raise RuntimeError(
                f"torch.histogramdd: bins tensor for dimension {d} should have one dimension and at least one edge, "
                f"but got shape {list(each.shape)}"
            )
    if weight is None:
        return
    if weight.dtype != input.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same "
            f"dtype, but got input(dtype {input.dtype}) and weight({weight.dtype})"
        )
    if weight.shape != input.shape[:-1]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor "
            f"excluding its innermost dimension, but got input with shape {list(input.shape)} and weight with shape "
            f"{list(weight.shape)}"
        )


def _edges(x: Tensor, bins: Any, range: Any) -> tuple[Any, bool]:
    """The bins' edges, a tensor for each column of x, and whether they were made here, for even bins."""
    if any(isinstance(each, Tensor) for each in bins):
        return list(bins), False
    if not x.is_floating_point():
        raise _no_kernel("histogramdd", x)
    return _even_edges(x, bins, range), True


def histogram(
    input: Tensor,
    bins: Any = 100,
    *,
    range: Any = None,
    weight: Any = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """How many elements, or how much of their weight, fall into each bin, and the bins' edges.

    `bins` is a number of even bins over a range (of the elements, by default) or a tensor of rising edges. The last
    bin includes its end. With density=True the histogram's integral is 1. No derivative.
    """
    points = input.reshape(-1, 1)
    weights = None if weight is None else weight.reshape(-1)
    edges, even = _edges(points.detach(), [bins], range)
    _check_points(points, edges, weights)
    own = [each if even else each.detach().clone() for each in edges]
    counts, edges = _f["_histogramdd"](points, own, weights, density, even, "histogram")
    if out is not None:
        for target, value in zip(out, (counts, edges), strict=True):
            _core._write_out(target, value)
        counts, edges = out
    return return_types.histogram(counts, edges)


def histogramdd(input: Tensor, bins: Any, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """A histogram of points, the last dimension of input, with an axis and a tensor of edges for each coordinate.

    `bins` is one number of even bins, one for each coordinate, or a tensor of rising edges for each. No derivative.
    """
    if input.dim() < 2:
        raise RuntimeError(f"torch.histogramdd: input tensor should have at least 2 dimensions, but got {input.dim()}")
    if isinstance(bins, int):
        bins = [bins] * input.shape[-1]
    if len(bins) != input.shape[-1]:
        raise RuntimeError(
            f"torch.histogramdd: expected {input.shape[-1]} sequences of bin edges for a {input.shape[-1]}-dimensional "
            f"histogram but got {len(bins)}"
        )
    if range is not None and len(range) != 2 * input.shape[-1]:
        raise RuntimeError(
            f"torch.histogramdd: for a {input.shape[-1]}-dimensional histogram range should have "
            f"{2 * input.shape[-1]} elements, but got {len(range)}"
        )
    points = input.reshape(-1, input.shape[-1])
    weights = None if weight is None else weight.reshape(-1)
    edges, even = _edges(points.detach(), bins, range)
    _check_points(points, edges, weights)
    counts, *own = _f["_histogramdd"](points, edges, weights, density, even, "histogramdd")
    return return_types.histogramdd(counts, tuple(own if even else edges))
