# torch.utils.dlpack: memory shared with other libraries.
"""DLPack under the name of `torch.utils`."""

from typing import Any

from tapeless import from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Any) -> Any:
    """A capsule of DLPack that shares the tensor's memory."""
    return tensor.__dlpack__()
