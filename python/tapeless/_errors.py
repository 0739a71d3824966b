# Exceptions of the namespace itself.
"""The exception types that programs catch by name."""


class OutOfMemoryError(RuntimeError):
    """A device has no memory left. Without devices nothing raises it."""

    __module__ = "torch"


class AcceleratorError(RuntimeError):
    """A device reports a failure. Without devices nothing raises it."""

    __module__ = "torch"
