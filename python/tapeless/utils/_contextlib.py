# torch.utils._contextlib: context managers that decorate as well.
"""Base classes for context managers that are used as decorators too; each call runs within a fresh one."""

from collections.abc import Callable
from typing import Any

from tapeless.autograd.grad_mode import _decorate


class _DecoratorContextManager:
    """A context manager that, called with a function, gives one whose calls run within a fresh one of its kind."""

    def __call__(self, orig_func: Callable[..., Any]) -> Callable[..., Any]:
        return _decorate(self.clone, orig_func)

    def clone(self) -> Any:
        """A fresh one."""
        return self.__class__()


class _NoParamDecoratorContextManager(_DecoratorContextManager):
    """One without arguments: its class decorates by itself."""

    def __new__(cls, orig_func: Any = None) -> Any:
        return super().__new__(cls) if orig_func is None else cls()(orig_func)
