# torch._dynamo.backends: backends of torch.compile.
"""Submodules that programs import types from."""

from tapeless._dynamo.backends import debugging

__all__ = ["debugging"]
