# __torch_function__: how operand types take over public functions.
"""Overriding public functions by operand type."""

from collections.abc import Iterator
from typing import Any

from tapeless import _core


def _disabled_torch_function_impl(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The __torch_function__ of a subclass that wants plain tensors as results."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


_disabled_torch_function_impl._tapeless_disabled = True


class DisableTorchFunctionSubclass:
    """Within it, no operand type is asked to take over."""

    def __enter__(self) -> None:
        self._before = _core._disable_torch_function(True)

    def __exit__(self, *exception: Any) -> None:
        _core._disable_torch_function(self._before)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _overriding(values: Any) -> list[Any]:
    """One operand per type that brings __torch_function__, subclasses before their bases."""
    found: list[Any] = []
    for value in values:
        kind = type(value)
        method = getattr(kind, "__torch_function__", None)
        if method is None or kind is _core.Tensor or any(type(x) is kind for x in found):
            continue
        if getattr(method, "_tapeless_disabled", False):
            continue
        at = next((i for i, x in enumerate(found) if issubclass(kind, type(x))), len(found))
        found.insert(at, value)
    return found


def _dispatch(function: Any, args: Any, kwargs: Any) -> Any:
    operands = _overriding(_leaves([*args, *kwargs.values()]))
    types = tuple(type(x) for x in operands)
    for operand in operands:
        result = type(operand).__torch_function__(function, types, args, kwargs)
        if result is not NotImplemented:
            return result
    names = [t.__name__ for t in types]
    raise TypeError(
        f"no implementation found for '{getattr(function, '__name__', function)}' on types that implement "
        f"__torch_function__: {names}"
    )


def has_torch_function(relevant_args: Any) -> bool:
    """Whether an operand's type overrides public functions."""
    return bool(_overriding(relevant_args))


def handle_torch_function(public_api: Any, relevant_args: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls the overriding operand's __torch_function__."""
    return _dispatch(public_api, args, kwargs)


def is_tensor_like(value: Any) -> bool:
    """Whether a value is a tensor or its type takes over public functions."""
    return type(value) is _core.Tensor or hasattr(value, "__torch_function__")
