"""Utilities around tensors and modules."""

import importlib
import importlib.util
from typing import Any

from tapeless.utils import hooks

__all__ = ["hooks"]


def __getattr__(name: str) -> Any:
    """A submodule, imported when it is first asked for: `import tapeless` leaves them alone."""
    if not name.startswith("__") and importlib.util.find_spec("tapeless.utils." + name):
        return importlib.import_module("tapeless.utils." + name)
    raise AttributeError(f"module 'tapeless.utils' has no attribute {name!r}", name=name)
