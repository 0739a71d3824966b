"""One library under comparison: finds its functions, dtypes and constants by PyTorch's names."""

from __future__ import annotations

import functools
import importlib
import operator
import types
from collections.abc import Callable
from typing import Any

import torch

NAMESPACES = ("nn.functional", "Tensor", "special", "linalg", "")


class Unsupported(Exception):
    """The harness itself cannot carry this argument across."""


class Missing(AttributeError):
    """The library has no function of that name."""


def _attribute(root: Any, path: str) -> Any:
    return functools.reduce(getattr, path.split("."), root) if path else root


@functools.cache
def _paths_by_identity() -> dict[int, str]:
    """Maps each public PyTorch function, by identity, to its shortest attribute path."""
    paths: dict[int, str] = {}
    for namespace in NAMESPACES:
        owner = _attribute(torch, namespace)
        for name in dir(owner):
            found = getattr(owner, name, None)
            if callable(found):
                paths[id(found)] = f"{namespace}.{name}" if namespace else name
    return paths


def _path_of(function: Any, hints: tuple[str, ...]) -> str | None:
    for hint in hints:
        try:
            if _attribute(torch, hint) is function:
                return hint
        except AttributeError:
            pass
    return _paths_by_identity().get(id(function))


def slice_along(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """`aten.slice` as the indexing expression that a program writes."""
    return x[(slice(None),) * (dim % x.dim()) + (slice(start, end, step),)]


# OpInfos whose function no program can name: both libraries run this spelling instead.
SPELLINGS: dict[str, Callable[..., Any]] = {"slice": slice_along}


class Library:
    """PyTorch or the subject, addressed by PyTorch's names."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module = importlib.import_module(name)
        try:
            importlib.import_module(f"{name}.nn.functional")
        except ImportError:
            pass  # every name that needs it then fails as missing
        self.tensor_type = self.module.Tensor

    def is_tensor(self, value: Any) -> bool:
        """Whether `value` is one of this library's tensors."""
        return isinstance(value, self.tensor_type)

    def constant(self, value: Any) -> Any:
        """The library's own dtype, device, layout, memory format or size for PyTorch's."""
        if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
            return self.path(str(value).removeprefix("torch."))
        if isinstance(value, torch.device):
            return self.module.device(str(value))
        if isinstance(value, torch.Size):
            return self.module.Size(value) if hasattr(self.module, "Size") else tuple(value)
        return value

    def path(self, path: str) -> Any:
        """The attribute at a dotted path, or `Missing` naming it."""
        try:
            return _attribute(self.module, path)
        except AttributeError as error:
            raise Missing(f"{self.name}.{path} does not exist") from error

    def function(self, original: Any, *hints: str) -> Callable[..., Any]:
        """The library's counterpart of one of PyTorch's functions or of an OpInfo's lambda."""
        if isinstance(original, functools.partial):
            inner = self.function(original.func, *hints)
            return functools.partial(inner, *original.args, **original.keywords)
        if original in SPELLINGS.values() or getattr(operator, original.__name__, 0) is original:
            return original
        path = _path_of(original, hints)
        if path is not None:
            return self.path(path)
        if isinstance(original, types.FunctionType) and "torch.testing" in original.__module__:
            return self._retargeted(original)
        raise Unsupported(f"no public path leads to {original!r}")

    def seeded(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """PyTorch's `wrapper_set_seed` for this library: the same seed before each call."""
        self.module.manual_seed(42)
        return function(*args, **kwargs)

    def _retargeted(self, original: types.FunctionType) -> Callable[..., Any]:
        """A copy of an OpInfo's lambda whose global `torch` is this library."""
        own = {"torch": self.module, "wrapper_set_seed": self.seeded}
        copy = types.FunctionType(
            original.__code__,
            {**original.__globals__, **own},
            original.__name__,
            original.__defaults__,
            original.__closure__,
        )
        copy.__kwdefaults__ = original.__kwdefaults__
        return copy


def operation(info: Any) -> Any:
    """The function an OpInfo stands for, in a spelling that every library can run."""
    return SPELLINGS.get(info.full_name, info.op)
