# Resampling: images at other resolutions.
"""Interpolation to a size or by a factor."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tapeless
from tapeless.composition import composition
from tapeless.nn.functional._checks import need_tensor, spelled
from tapeless.nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

# Of each mode: the number of dimensions it is for, PyTorch's name, and how one dimension is read.
_MODES = {
    ("nearest", 1): ("upsample_nearest1d", "nearest"),
    ("nearest", 2): ("upsample_nearest2d", "nearest"),
    ("nearest", 3): ("upsample_nearest3d", "nearest"),
    ("nearest-exact", 1): ("upsample_nearest_exact1d", "nearest-exact"),
    ("nearest-exact", 2): ("upsample_nearest_exact2d", "nearest-exact"),
    ("nearest-exact", 3): ("upsample_nearest_exact3d", "nearest-exact"),
    ("linear", 1): ("upsample_linear1d", "linear"),
    ("bilinear", 2): ("upsample_bilinear2d", "linear"),
    ("trilinear", 3): ("upsample_trilinear3d", "linear"),
    ("bicubic", 2): ("upsample_bicubic2d", "cubic"),
}


def _node(name: str, along: str) -> Any:
    @composition(name)
    def resampled(input: Any, size: tuple[int, ...], corners: bool, factors: Any) -> Any:
        return tapeless._nn.resample(input, size, along, corners, *(factors or ()))

    return resampled


_NODES = {key: _node(*found) for key, found in _MODES.items()}


def _taps(old: int, new: int, corners: bool, factor: float | None, cubic: bool) -> Any:
    """[new, old]: how much of each element stands in each result of smoothed resampling, in float64."""
    if corners:
        step = (old - 1) / (new - 1) if new > 1 else 0.0
    else:
        step = 1 / factor if factor else old / new
    wide = max(step, 1.0)  # The filter spans what one result covers.
    reach = (2.0 if cubic else 1.0) * wide
    rows = tapeless.zeros(new, old, dtype=tapeless.float64)
    for i in range(new):
        centre = step * (i + 0.5)
        first = max(int(centre - reach + 0.5), 0)
        last = min(int(centre + reach + 0.5), old)
        weights = [_weight((j - centre + 0.5) / wide, cubic) for j in range(first, last)]
        total = sum(weights) or 1.0
        rows[i, first:last] = tapeless.tensor([w / total for w in weights], dtype=tapeless.float64)
    return rows


def _weight(x: float, cubic: bool) -> float:
    x = abs(x)
    if not cubic:
        return max(1.0 - x, 0.0)
    if x < 1.0:  # Keys' cubic with a = -1/2.
        return (1.5 * x - 2.5) * x * x + 1.0
    return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 if x < 2.0 else 0.0


def _smoothing_node(name: str, cubic: bool) -> Any:
    @composition(name)
    def smoothed(input: Any, size: tuple[int, ...], corners: bool, factors: Any) -> Any:
        down, across = (
            _taps(input.shape[2 + d], size[d], corners, factors[d] if factors else None, cubic).to(
                input.dtype if input.is_floating_point() else tapeless.float32
            )
            for d in range(2)
        )
        result = down @ (input.to(down.dtype) @ across.t())
        if input.dtype is tapeless.uint8:
            result = result.round().clamp(0, 255).to(tapeless.uint8)
        return result

    return smoothed


_SMOOTHED = {
    "bilinear": _smoothing_node("_upsample_bilinear2d_aa", False),
    "bicubic": _smoothing_node("_upsample_bicubic2d_aa", True),
}


def _sizes(input: Any, size: Any, factor: Any, recompute: bool | None) -> tuple[tuple[int, ...], Any]:
    """The result's size, and the factors if positions are to be worked out from them."""
    rank = input.dim() - 2
    if size is not None and factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        size = tuple(size) if isinstance(size, (list, tuple)) else (size,) * rank
        if len(size) != rank:
            raise ValueError(
                f"Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(input.shape[2:])} and output size of {size}. Please provide input tensor in (N, "
                "C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        return tuple(int(one) for one in size), None
    if factor is None:
        raise ValueError("either size or scale_factor should be defined")
    factors = tuple(factor) if isinstance(factor, (list, tuple)) else (factor,) * rank
    if len(factors) != rank:
        raise ValueError(
            f"Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {list(input.shape[2:])} and scale_factor of shape {factors}."
        )
    factors = tuple(float(one) for one in factors)
    made = tuple(math.floor(n * one) for n, one in zip(input.shape[2:], factors, strict=True))
    return made, None if recompute else factors


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """[N, C, ...] at another resolution: nearest(-exact), linear, bilinear, bicubic (Keys 1981), trilinear or area.

    With `antialias`, bilinear and bicubic (with Keys' a = -1/2) weigh all that a smaller image's element covers, as
    Pillow does. Derivative: each input gets the gradients of what it is part of, weighted.
    """
    need_tensor("interpolate", "input", 1, input)
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
                "trilinear"
            )
    corners = bool(align_corners)
    size, factors = _sizes(input, size, scale_factor, recompute_scale_factor)
    if antialias:
        if mode not in ("bilinear", "bicubic") or input.dim() != 4:
            raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor")
        return _SMOOTHED[mode](_resampled_dtype(input, size), size, corners, factors)
    rank = input.dim() - 2
    if mode == "area":
        if rank not in (1, 2, 3):
            raise NotImplementedError(f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {rank + 2}D)")
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[rank - 1](input, size)
    found = _NODES.get((mode, rank))
    if found is None:
        ranks = [key[1] for key in _MODES if key[0] == mode]
        if not ranks or rank not in (1, 2, 3):
            raise NotImplementedError(
                f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {rank + 2}D) for the modes: nearest | "
                f"linear | bilinear | bicubic | trilinear | area | nearest-exact (got {mode})"
            )
        raise NotImplementedError(f"Got {rank + 2}D input, but {mode} mode needs {ranks[0] + 2}D input")
    return found(_resampled_dtype(input, size), size, corners, factors)


def _resampled_dtype(input: Any, size: tuple[int, ...]) -> Any:
    shape = list(input.shape)
    if 0 in shape[1:] or min(size) <= 0:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input {shape} and output {list(size)}"
        )
    if not (input.is_floating_point() or input.dtype is tapeless.uint8):
        raise NotImplementedError(
            f"\"upsample\" not implemented for '{spelled(input)}': convert first, for example with input.float()"
        )
    return input


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """interpolate by its older name."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """interpolate(mode="nearest") by its older name."""
    warnings.warn(
        "`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """interpolate(mode="bilinear", align_corners=True) by its older name."""
    warnings.warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, "bilinear", True)
