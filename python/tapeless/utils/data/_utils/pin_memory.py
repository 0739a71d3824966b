# Page-locked memory is for copies to devices: without one it is memory like any other.
"""`pin_memory`, which has nothing to do here."""

from typing import Any


def pin_memory(data: Any, device: Any = None) -> Any:
    """The data as they are: there is no device that would copy them faster."""
    return data
