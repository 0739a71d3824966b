# torch.onnx.symbolic_helper: decorators of functions that an export would call.
"""Decorators that leave their functions as they are."""

from collections.abc import Callable
from typing import Any

from tapeless import _doors


def parse_args(*descriptors: str) -> Callable[..., Any]:
    """A decorator that leaves its function as it is."""
    return _doors.unchanged


quantized_args = parse_args
