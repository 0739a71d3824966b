# torch._dynamo.exc: exceptions of PyTorch's tracer.
"""Exception types that programs catch by name; of these only InvalidBackend is ever raised."""

from tapeless.compiler import InvalidBackend

__all__ = ["BackendCompilerFailed", "InvalidBackend", "RecompileError", "TorchDynamoException", "Unsupported"]


class TorchDynamoException(RuntimeError):
    """The base of what the tracer raises."""


class Unsupported(TorchDynamoException):
    """The tracer cannot follow a function."""


class RecompileError(TorchDynamoException):
    """A function would be compiled again."""


class BackendCompilerFailed(TorchDynamoException):
    """A backend fails."""
