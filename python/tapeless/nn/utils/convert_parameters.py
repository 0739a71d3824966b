# Parameters as one vector, and back.
"""parameters_to_vector and vector_to_parameters."""

from collections.abc import Iterable
from typing import Any

import tapeless
from tapeless import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _check_param_device(param: Tensor, old_param_device: int | None) -> int:
    """The device of a parameter, which must be that of those before."""
    device = param.get_device() if param.is_cuda else -1
    if old_param_device is not None and device != old_param_device:
        raise TypeError("Found two parameters on different devices, this is currently not supported.")
    return device


def parameters_to_vector(parameters: Iterable[Any]) -> Tensor:
    """All elements of the parameters, one after another. Differentiable."""
    device = None
    parts = []
    for parameter in parameters:
        device = _check_param_device(parameter, device)
        parts.append(parameter.view(-1))
    return tapeless.cat(parts)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Any]) -> None:
    """Make the parameters views of consecutive parts of a vector, outside the graph."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {tapeless.typename(vec)}")
    device = None
    start = 0
    for parameter in parameters:
        device = _check_param_device(parameter, device)
        count = parameter.numel()
        parameter.data = vec[start : start + count].view_as(parameter).data
        start += count
