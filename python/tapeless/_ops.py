# torch.ops: operations by namespace and name, those of programs and ours.
"""`torch.ops.NAMESPACE.NAME`: what `torch.library` registered; under `aten`, the functions of this namespace."""

from collections.abc import Callable
from typing import Any

import tapeless
from tapeless import _doors


class OpOverload:
    """One overload of an operation: calls the function that serves all of them."""

    def __init__(self, packet: "OpOverloadPacket", overload: str) -> None:
        self.overloadpacket, self._overloadname = packet, overload
        self.__name__ = f"{packet.__name__}.{overload}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.overloadpacket(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<OpOverload(op='{self.overloadpacket._namespace}.{self.overloadpacket.__name__}', overload='default')>"


class OpOverloadPacket:
    """An operation: calls its function. Its attributes (`.default`, `.Tensor`) are its overloads."""

    def __init__(self, namespace: str, name: str, function: Callable[..., Any]) -> None:
        self._namespace, self.__name__, self._function = namespace, name, function
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __getattr__(self, overload: str) -> Any:
        if overload.startswith("__"):
            raise AttributeError(f"{self!r} has no attribute {overload!r}")
        found = vars(self)[overload] = OpOverload(self, overload)
        return found

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self._namespace}.{self.__name__}')>"


class _Namespace:
    """The operations of one namespace."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        function = None
        if self._name in ("aten", "prims") and not name.startswith("__"):
            function = getattr(tapeless, name, None) or getattr(tapeless.Tensor, name, None)
            function = function or getattr(tapeless.nn.functional, name, None)
        if function is None:
            raise AttributeError(f"'_OpNamespace' '{self._name}' object has no attribute '{name}'", name=name)
        return register(self._name, name, function)


_namespaces: dict[str, _Namespace] = {}


def namespace(name: str) -> _Namespace:
    """The namespace of that name, empty if nothing was registered there."""
    return _namespaces.setdefault(name, _Namespace(name))


def register(space: str, name: str, function: Callable[..., Any]) -> OpOverloadPacket:
    """Make the function `torch.ops.SPACE.NAME`."""
    found = OpOverloadPacket(space, name, function)
    setattr(namespace(space), name, found)
    return found


HigherOrderOperator = _doors.kind("HigherOrderOperator", "torch._ops", "functions run as they are written")
