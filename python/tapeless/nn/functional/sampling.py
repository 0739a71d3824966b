# Images read at the positions of a grid, by the names of torch.nn.functional.
"""grid_sample and affine_grid."""

from __future__ import annotations

import warnings
from typing import Any

import tapeless
from tapeless.nn.functional._checks import need_tensor

__all__ = ["affine_grid", "grid_sample"]

_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
_PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


def _corners(name: str, given: bool | None) -> bool:
    if given is None:
        warnings.warn(
            f"Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please "
            f"specify align_corners=True if the old behavior is desired. See the documentation of {name} for details.",
            stacklevel=3,
        )
    return bool(given)


def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """Images [N, C, H, W] read at positions [N, h, w, 2] of [-1, 1], (x, y); volumes likewise. See `grid_sampler`.

    align_corners: whether -1 and 1 are the middles of the outer elements, or their outer edges.
    """
    need_tensor("grid_sampler", "input", 1, input)
    need_tensor("grid_sampler", "grid", 2, grid)
    if mode not in _MODES:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in _PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', "
            f"but got: '{padding_mode}'"
        )
    corners = _corners("grid_sample", align_corners)
    return tapeless.grid_sampler(input, grid, _MODES[mode], _PADDINGS[padding_mode], corners)


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The grid, for grid_sample, of affine maps theta [N, 2, 3] or [N, 3, 4] on images of that size.

    Derivative: sums of g times positions.
    """
    corners = _corners("affine_grid", align_corners)
    need_tensor("affine_grid", "theta", 1, theta)
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    rank = len(size) - 2
    if rank not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {tuple(size)}."
        )
    if theta.dim() != 3 or tuple(theta.shape[-2:]) != (rank, rank + 1):
        raise ValueError(
            f"Expected a batch of {rank}D affine matrices of shape Nx{rank}x{rank + 1} for size {tuple(size)}. "
            f"Got {theta.shape}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    return tapeless.affine_grid_generator(theta, tuple(size), corners)
