"""Utilities around tensors and modules."""

from tapeless.utils import hooks

__all__ = ["hooks"]
