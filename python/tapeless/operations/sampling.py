# Images read at positions of a grid, and grids of affine maps (Jaderberg et al. 2015).
"""grid_sampler for images and volumes, and affine_grid_generator.

A position is a point of [-1, 1] in each dimension, the last one first. What is read between elements is a weighted sum
of those around it: the rules of places and weights are stated here, and one kernel adds up. Every order of derivative,
in the image and in the grid, is that of the sum and of the weights.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless._creation import linspace
from tapeless.composition import autocasts, composition

__all__ = ["affine_grid_generator", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d"]
METHODS = ()

_f = _core.functions
_BILINEAR, _NEAREST, _BICUBIC = range(3)
_ZEROS, _BORDER, _REFLECTION = range(3)


def _element(at: Any, size: int, corners: bool) -> Any:
    """Positions in [-1, 1] as places among `size` elements: -1 and 1 are the outer ones' middles, or their edges."""
    return (at + 1) * ((size - 1) / 2) if corners else (at + 1) * (size / 2) - 0.5


def _reflected(at: Any, size: int, corners: bool) -> Any:
    """Places folded back at the outer elements' middles, or at their edges."""
    low, span = (0.0, float(size - 1)) if corners else (-0.5, float(size))
    if span == 0:
        return at * 0
    distance = (at - low).abs()
    turns = (distance.detach() / span).floor()
    rest = distance.fmod(span)
    return _f["where"](turns.fmod(2) == 0, rest + low, span + low - rest)


def _kept_inside(at: Any, size: int, padding: int, corners: bool) -> Any:
    """Places as the padding has them: as they are, or moved into the image."""
    if padding == _ZEROS:
        return at
    if padding == _REFLECTION:
        at = _reflected(at, size, corners)
    # Strictly between, because PyTorch's derivative is 0 at both ends; what is no number is read at the first element.
    inside = (at > 0) & (at < size - 1)
    return _f["where"](inside, at, _f["where"](at >= size - 1, float(size - 1), 0.0))


def _cubic(t: Any) -> list[Any]:
    """Weights of the four elements around a place t behind the second (Keys 1981, a = -0.75).

    The outer two are written in t itself, which cancels nothing.
    """
    a = -0.75
    back = 1 - t

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    return [a * t * back * back, near(t), near(back), a * back * t * t]


def _taps(at: Any, size: int, mode: int, padding: int, corners: bool) -> list[tuple[Any, Any]]:
    """Pairs of an element's number, a whole float, and its weight, along one dimension."""
    place = _element(at, size, corners)
    if mode == _BICUBIC:
        first = place.detach().floor()
        weights = _cubic(place - first)
        places = [first + k for k in range(-1, 3)]
        return [(_kept_inside(one, size, padding, corners), w) for one, w in zip(places, weights, strict=True)]
    place = _kept_inside(place, size, padding, corners)
    if mode == _NEAREST:
        known = (place == place) | True
        return [(place.detach().round(), _f["where"](known, 1.0, place))]  # A weight whose derivative is 0.
    first = place.detach().floor()
    rest = place - first
    return [(first, 1 - rest), (first + 1, rest)]


def _outer(parts: list[Any], combine: Any) -> Any:
    """All taps of [N, taps, points] in each dimension combined with all of the others: [N, taps, points]."""
    out = parts[0]
    for part in parts[1:]:
        out = combine(out.unsqueeze(2), part.unsqueeze(1)).flatten(1, 2)
    return out


def _offsets(numbers: Any, size: int, stride: int, outside: int) -> Any:
    """Places in the flattened image that elements' numbers along one dimension stand for."""
    inside = (numbers >= 0) & (numbers <= size - 1)
    whole = _f["where"](inside, numbers, 0.0).long() * stride
    return _f["where"](inside, whole, outside)


def _sampled(input: Any, grid: Any, mode: int, padding: int, corners: bool) -> Any:
    batch, _, *sizes = input.shape
    rank, total, points = len(sizes), math.prod(sizes), math.prod(grid.shape[1:-1])
    offsets, weights, stride = [], [], total
    for d, size in enumerate(sizes):  # The grid has the last dimension first.
        stride //= size
        at = grid.select(-1, rank - 1 - d).reshape(batch, points)
        if mode == _BICUBIC:  # Slopes of slopes of cubic weights are small differences of large numbers.
            at = at.double()
        numbers, shares = zip(*_taps(at, size, mode, padding, corners), strict=True)
        # Any sum with an outside place in it is below 0.
        offsets.append(_offsets(_f["stack"](numbers, 1).detach(), size, stride, -total))
        weights.append(_f["stack"](shares, 1))
    places, shares = _outer(offsets, operator.add), _outer(weights, operator.mul)
    shape = (batch, places.shape[1], *grid.shape[1:-1])
    shares = shares.to(input.dtype).reshape(shape)
    return _core.nn_functions["weighted_reads"](input, places.reshape(shape), shares)


def _check(input: Any, grid: Any, mode: int) -> None:
    x, g = list(input.shape), list(grid.shape)
    if input.dtype != grid.dtype:
        names = [t.type().removeprefix("torch.").removesuffix("Tensor") for t in (input, grid)]
        raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}: input and grid need one dtype")
    if not g or not x or g[0] != x[0]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes {x} and grid "
            f"with sizes {g}"
        )
    if len(x) not in (4, 5) or len(g) != len(x):
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with "
            f"sizes {x} and grid with sizes {g}"
        )
    if g[-1] != len(x) - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {len(x) - 2} in last dimension, but got grid with sizes {g}"
        )
    for d, size in enumerate(x[2:], 2):
        if size <= 0:
            raise RuntimeError(
                f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {x} with "
                f"dimension {d} being empty"
            )
    if mode == _BICUBIC and len(x) != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if not input.is_floating_point():
        name = input.type().removeprefix("torch.").removesuffix("Tensor")
        raise NotImplementedError(
            f"\"grid_sampler_{len(x) - 2}d_cpu_kernel_impl\" not implemented for '{name}': the input needs a real "
            "floating dtype; convert first, for example with input.float()"
        )


@composition("grid_sampler_2d", saves=("self", "grid"))
def grid_sampler_2d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """grid_sampler for images [N, C, H, W] and a grid [N, h, w, 2]."""
    _check(input, grid, interpolation_mode)
    return _sampled(input, grid, interpolation_mode, padding_mode, align_corners)


@composition("grid_sampler_3d", saves=("self", "grid"))
def grid_sampler_3d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """grid_sampler for volumes [N, C, D, H, W] and a grid [N, d, h, w, 3]."""
    _check(input, grid, interpolation_mode)
    return _sampled(input, grid, interpolation_mode, padding_mode, align_corners)


@autocasts("float32")
def grid_sampler(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """Images, or volumes, read at the positions of a grid [N, ..., dimensions], the last dimension first.

    interpolation_mode: 0 linear, 1 the nearest element, 2 cubic (images only); padding_mode, for what lies outside:
    0 zeros, 1 the border's elements, 2 the image reflected. Derivative: an element gets g times its weight, a position
    the slope of the weights.
    """
    _check(input, grid, interpolation_mode)
    sampler = grid_sampler_2d if input.dim() == 4 else grid_sampler_3d
    return sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def _line(theta: Any, size: int, corners: bool) -> Any:
    """The middles of `size` elements that fill [-1, 1], or whose outer ones lie on its ends."""
    if size <= 1:
        return theta.new_zeros(size)
    line = linspace(-1, 1, size, dtype=theta.dtype, device=theta.device)
    return line if corners else line * ((size - 1) / size)


@composition("affine_grid_generator")
def affine_grid_generator(theta: Any, size: Any, align_corners: bool) -> Tensor:
    """The positions that affine maps theta, [N, 2, 3] or [N, 3, 4], take those of an image's elements to.

    `size` is that of the image that will be made, [N, C, H, W] or [N, C, D, H, W]. Derivative: sums of g times
    positions.
    """
    sizes = tuple(size)[2:]
    rank = len(sizes)
    lines = []
    for d in range(rank):
        shape = [1] * rank
        shape[rank - 1 - d] = -1
        lines.append(_line(theta, sizes[rank - 1 - d], align_corners).reshape(shape).expand(sizes))
    lines.append(theta.new_ones(sizes))
    if theta.shape[0] != size[0]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{size[0]}, {rank + 1}] but got: "
            f"[{theta.shape[0]}, {rank + 1}]."
        )
    maps = theta.transpose(1, 2).reshape(size[0], *[1] * (rank - 1), rank + 1, rank)
    return _f["stack"](lines, -1).matmul(maps)
