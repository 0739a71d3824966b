# What functions of nn.functional ask of their arguments, in PyTorch's words.
"""Checks that several families share."""

from __future__ import annotations

import warnings
from typing import Any

import tapeless
from tapeless import operations


def spelled(tensor: Any) -> str:
    """How PyTorch's messages spell a tensor's dtype, as "Float"."""
    return tensor.type().removeprefix("torch.").removesuffix("Tensor")


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


# The numbers by which the core's losses know a reduction.
REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def reduced(loss: Any, reduction: str) -> Any:
    """What a word that `checked_reduction` has let pass makes of a loss."""
    return operations.losses.reduced(loss, REDUCTIONS[reduction])


def checked_reduction(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """What is asked for, by either spelling; ValueError for another word."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    """The word for two older arguments, which warn."""
    average = size_average is None or size_average
    name = "none" if reduce is not None and not reduce else "mean" if average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.",
        stacklevel=4,
    )
    return name
