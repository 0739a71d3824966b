# What functions of nn.functional ask of their arguments, in PyTorch's words.
"""Checks that several families share."""

from __future__ import annotations

import warnings
from typing import Any

import tapeless

# How PyTorch's messages spell a dtype.
_SPELLED = {
    "bool": "Bool",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "float32": "Float",
    "float64": "Double",
    "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
}


def spelled(tensor: Any) -> str:
    name = str(tensor.dtype).rpartition(".")[2]
    return _SPELLED.get(name, name)


def need_tensor(function: str, argument: str, position: int, value: Any) -> None:
    """Raises PyTorch's TypeError where `value` is not a tensor."""
    if not isinstance(value, tapeless.Tensor):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}"
        )


def refuse_dtype(function: str, kernel: str, tensor: Any) -> None:
    raise NotImplementedError(
        f"\"{kernel}\" not implemented for '{spelled(tensor)}': {function} needs a real floating "
        "dtype; convert first, for example with input.float()"
    )


def checked_reduction(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """What is asked for, by either spelling; ValueError for another word."""
    if size_average is not None or reduce is not None:
        reduction = _legacy_reduction(size_average, reduce)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def _legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    average = size_average is None or size_average
    name = "none" if reduce is not None and not reduce else "mean" if average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.",
        stacklevel=4,
    )
    return name
