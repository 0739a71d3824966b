"""Grad mode and inference mode, as contexts and as decorators."""

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Generator
from typing import Any

from tapeless import _core

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]


def _within(make_context: Callable[[], Any], step: Callable[[], Any]) -> Any:
    with make_context():
        return step()


def _decorate_generator(make_context: Callable[[], Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """A generator whose steps, and only these, run inside the context."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        step: Callable[[], Any] = functools.partial(next, generator)
        while True:
            try:
                value = _within(make_context, step)
            except StopIteration as stop:
                return stop.value
            try:
                sent = yield value
            except GeneratorExit:
                _within(make_context, generator.close)
                raise
            except BaseException:
                step = functools.partial(generator.throw, sys.exc_info()[1])
            else:
                step = functools.partial(generator.send, sent)

    return wrapper


def _decorate(make_context: Callable[[], Any], function: Any) -> Any:
    """`function`, running inside a new context at each call."""
    if inspect.isclass(function):
        warnings.warn(
            "Decorating classes is deprecated and will be disabled in future versions. "
            "You should only decorate functions or methods. "
            "To preserve the current behavior of class decoration, you can directly decorate "
            "the `__init__` method and nothing else.",
            FutureWarning,
            stacklevel=3,
        )
        make = function

        def function(*args: Any, **kwargs: Any) -> Any:
            return make(*args, **kwargs)

        functools.update_wrapper(function, make, updated=())
    elif inspect.isgeneratorfunction(function):
        return _decorate_generator(make_context, function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with make_context():
            return function(*args, **kwargs)

    return wrapper


class no_grad(_core._GradMode):
    """Nothing is recorded inside: results do not require grad, whatever their inputs do."""

    __slots__ = ()
    _enabled = False

    def __call__(self, orig_func: Any) -> Any:
        """Decorate a function, or each step of a generator."""
        return _decorate(type(self), orig_func)

    def clone(self) -> "no_grad":
        """Another context of the same kind."""
        return type(self)()


class enable_grad(_core._GradMode):
    """Operations are recorded inside, except in inference mode."""

    __slots__ = ()
    _enabled = True

    def __call__(self, orig_func: Any) -> Any:
        """Decorate a function, or each step of a generator."""
        return _decorate(type(self), orig_func)

    def clone(self) -> "enable_grad":
        """Another context of the same kind."""
        return type(self)()


class set_grad_enabled:
    """Switches recording at the call; as a context, until the end of the block."""

    __slots__ = ("mode", "prev")

    def __init__(self, mode: bool) -> None:
        self.prev = _core.is_grad_enabled()
        self.mode = mode
        _core._set_grad_enabled(mode)

    def __call__(self, orig_func: Any) -> Any:
        """Decorate a function, or each step of a generator."""
        _core._set_grad_enabled(self.prev)
        return _decorate(self.clone, orig_func)

    def __enter__(self) -> None:
        _core._set_grad_enabled(self.mode)

    def __exit__(self, *_: object) -> None:
        _core._set_grad_enabled(self.prev)

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}(mode={self.mode})"

    def clone(self) -> "set_grad_enabled":
        """Another context of the same mode."""
        return type(self)(self.mode)


class inference_mode:
    """Like no_grad, and what is made inside can never take part in a recorded graph."""

    __slots__ = ("_before", "mode")

    def __new__(cls, mode: Any = True) -> Any:
        """Make a context; given a function instead of a mode, decorate it."""
        self = super().__new__(cls)
        if isinstance(mode, bool):
            return self
        self.__init__()
        return self(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode
        self._before: list[int] = []

    def __call__(self, orig_func: Any) -> Any:
        """Decorate a function, or each step of a generator."""
        return _decorate(self.clone, orig_func)

    def __enter__(self) -> None:
        self._before.append(_core._set_inference_mode(self.mode))

    def __exit__(self, *_: object) -> None:
        _core._restore_inference_mode(self._before.pop())

    def clone(self) -> "inference_mode":
        """Another context of the same mode."""
        return type(self)(self.mode)
