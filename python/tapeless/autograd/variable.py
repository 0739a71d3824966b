"""Variable, the wrapper of old programs: today every tensor is one."""

from collections.abc import Callable
from typing import Any

from tapeless import _core

__all__ = ["Variable"]


class _Engine:
    """The part of PyTorch's engine object that programs use."""

    @staticmethod
    def queue_callback(callback: Callable[[], Any]) -> None:
        """Call this when the running backward pass has ended."""
        _core._queue_callback(callback)


class _VariableMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _core.Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(data)` is a tensor over the same memory as `data`.

    Without `requires_grad`, floating and complex data give a leaf that requires grad, as old
    programs expect. A flag that nobody asked for gives way where it would be an error: a write
    in place or `.numpy()` drops it.
    """

    _execution_engine = _Engine()

    def __new__(cls, data: Any, requires_grad: bool | None = None) -> Any:
        """Wrap `data`, which must be a tensor."""
        if not isinstance(data, _core.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        x = data.detach()
        if requires_grad is not None:
            return x.requires_grad_(requires_grad)
        if x.is_floating_point() or x.is_complex():
            _core._set_implied_grad(x)
        return x
