# The memory behind tensors, under PyTorch's module path.
"""`torch.storage`: untyped and typed storages."""

from tapeless._storage import CLASSES, TypedStorage, UntypedStorage

globals().update(CLASSES)

__all__ = ["TypedStorage", "UntypedStorage", *CLASSES]
