# Parameters as one vector, and back.
"""parameters_to_vector and vector_to_parameters."""

from collections.abc import Iterable

import tapeless
from tapeless import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters, one after another; gradients pass through."""
    return tapeless.cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Makes the parameters views of a vector's pieces, in order."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__module__}.{type(vec).__qualname__}")
    begin = 0
    for parameter in parameters:
        count = parameter.numel()
        parameter.data = vec[begin : begin + count].view_as(parameter).data
        begin += count
