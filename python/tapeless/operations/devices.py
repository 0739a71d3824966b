# Devices: the default one, scopes of another, and the moves of a tensor between them.
"""Tensors live on "cpu" here, or on "meta" (sizes and dtypes without memory); other devices can be named only."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "get_default_device",
    "set_default_device",
]
METHODS = ("cpu", "cuda", "is_pinned", "is_shared", "pin_memory", "share_memory_", "xpu")

# The default devices that open scopes will put back, the innermost last.
_outer: list[Any] = []


def get_default_device() -> Any:
    """The device of tensors that are made without one."""
    return _core.get_default_device()


def set_default_device(device: Any) -> None:
    """The device of tensors that are made without one; None is the CPU again."""
    _core._set_default_device(None if device is None else _core.device(device))


def _enter(self: Any) -> Any:
    _outer.append(_core.get_default_device())
    set_default_device(self)
    return self


def _leave(self: Any, *error: Any) -> None:
    set_default_device(_outer.pop())


_core.device.__enter__ = _enter
_core.device.__exit__ = _leave


def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in CPU memory: itself. Derivative: g."""
    return input.to("cpu") if memory_format is None else input.to("cpu", memory_format=memory_format)


def cuda(input: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on a CUDA device: an AssertionError, as from a PyTorch without CUDA."""
    return input.to("cuda" if device is None else device)


def xpu(input: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on an Intel GPU: an AssertionError, as from a PyTorch without one."""
    return input.to("xpu" if device is None else device)


def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """Page-locked memory, which only copies to an accelerator need: a RuntimeError, as in PyTorch without one."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


def is_pinned(input: Tensor, device: Any = None) -> bool:
    """Whether the memory is page-locked: never here."""
    return False


def share_memory_(self: Tensor) -> Tensor:
    """Moves the tensor's storage into memory that processes share, forked ones and those it is sent to; itself.

    Views of it keep the memory that they had.
    """
    from tapeless.multiprocessing import reductions

    return reductions.share_memory_(self)


def is_shared(input: Tensor) -> bool:
    """Whether other processes see writes to the memory."""
    from tapeless.multiprocessing import reductions

    return reductions.is_shared(input)
