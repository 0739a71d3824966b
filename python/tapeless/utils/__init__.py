"""Utilities around tensors and modules; submodules are imported when they are first asked for."""

from tapeless.utils import hooks

__all__ = ["hooks"]
