# __torch_function__: how operand types take over public functions.
"""Overriding public functions by operand type."""

import functools
import inspect
from collections.abc import Callable, Iterator
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
    return [] if found and _is_disabled() else found


def _is_disabled() -> bool:
    """Whether this is within DisableTorchFunctionSubclass."""
    before = _core._disable_torch_function(True)
    _core._disable_torch_function(before)
    return before


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


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: the function asks the types of what `dispatcher` picks from its arguments to take over first."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            operands = dispatcher(*args, **kwargs)
            if has_torch_function(operands):
                return handle_torch_function(wrapped, operands, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorate


@functools.cache
def _overridable() -> dict[Any, list[Any]]:
    import tapeless
    from tapeless import operations

    functional = tapeless.nn.functional
    namespace = [f for name, f in {**_core.functions, **operations.functions}.items() if not name.startswith("_")]
    methods = [f for name, f in vars(_core.Tensor).items() if callable(f) and not isinstance(f, type)]
    properties = [p.__get__ for p in vars(_core.Tensor).values() if inspect.isdatadescriptor(p)]
    layers = [getattr(functional, name) for name in dir(functional) if not name.startswith("_")]
    layers = [f for f in layers if callable(f) and not isinstance(f, type)]
    return {tapeless: namespace, functional: layers, _core.Tensor: [*methods, *properties]}


def get_overridable_functions() -> dict[Any, list[Any]]:
    """The functions that an operand's type can take over, by where they are: the namespace, nn.functional, Tensor."""
    return {owner: list(functions) for owner, functions in _overridable().items()}


def get_ignored_functions() -> set[Any]:
    """The functions of the namespace that no operand can take over: those that take no tensor."""
    import tapeless

    public = [getattr(tapeless, name) for name in dir(tapeless) if not name.startswith("_")]
    known = {id(f) for functions in _overridable().values() for f in functions}
    return {f for f in public if inspect.isroutine(f) and id(f) not in known}


def get_testing_overrides() -> dict[Any, Callable[..., Any]]:
    """For each function that can be taken over, one that takes anything and gives -1."""
    return {f: lambda *args, **kwargs: -1 for functions in _overridable().values() for f in functions}


def resolve_name(f: Any) -> str | None:
    """The name of a function that can be taken over, as "torch.Tensor.add"; None for another object."""
    places = {"torch": 0, "torch.nn.functional": 1, "torch.Tensor": 2}
    functions = list(_overridable().values())
    for place, number in places.items():
        if any(g is f or g == f for g in functions[number]):
            owner = getattr(f, "__self__", None)
            name = f"{owner.__name__}.__get__" if inspect.isdatadescriptor(owner) else f.__name__
            return f"{place}.{name}"
    return None


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether it is a method of Tensor, or the `__get__` of one of its attributes."""
    owner = getattr(func, "__self__", None)
    if inspect.isdatadescriptor(owner):
        return owner in vars(_core.Tensor).values()
    return any(func is method for method in vars(_core.Tensor).values())
