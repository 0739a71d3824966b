# torch.classes: compiled classes, which cannot be loaded.
"""`torch.classes.NAMESPACE.NAME`: nothing is registered, as classes are compiled against PyTorch's own C++."""

from typing import Any, NoReturn

from tapeless.ops import load_library, loaded_libraries

__all__ = ["load_library", "loaded_libraries"]


class _Namespace:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(
            f"Class {self._name}.{name} not registered! Compiled classes cannot be loaded here; write it in Python."
        )


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'tapeless.classes' has no attribute {name!r}", name=name)
    return _Namespace(name)
