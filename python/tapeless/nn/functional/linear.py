# Linear maps.
"""Linear maps."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless.composition import autocasts
from tapeless.nn.functional._checks import need_tensor, spelled

__all__ = ["linear"]


@autocasts("lower")
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias, for an input of any number of dimensions."""
    need_tensor("linear", "input", 1, input)
    need_tensor("linear", "weight", 2, weight)
    ndim, weight_ndim = input.dim(), weight.dim()
    if ndim == 0 or weight_ndim == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {ndim}D and {weight_ndim}D")
    if bias is None:
        return input.matmul(weight.t())
    need_tensor("linear", "bias", 3, bias)
    if bias.dtype is not weight.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {spelled(bias)} and "
            f"{spelled(weight)}: linear's bias and weight differ; convert one of them"
        )
    if ndim == 2:
        return tapeless.addmm(bias, input, weight.t())
    if bias.dim() == 1 and weight_ndim == 2 and input.is_contiguous():
        shape = tuple(input.shape)
        flat = input.view(math.prod(shape[:-1]), shape[-1])
        return tapeless.addmm(bias, flat, weight.t()).view(*shape[:-1], weight.shape[0])
    return input.matmul(weight.t()) + bias
