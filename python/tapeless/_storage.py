# Storages as Python sees them: the memory behind tensors, addressed in bytes.
"""UntypedStorage, which `Tensor.untyped_storage()` returns."""

from __future__ import annotations

from typing import Any

from tapeless import _core


class UntypedStorage:
    """The memory that a tensor and its views share."""

    def __init__(self, tensor: _core.Tensor) -> None:
        self._tensor = tensor.detach()

    def data_ptr(self) -> int:
        """The address of the first byte; 0 when the tensor has no elements."""
        x = self._tensor
        return x.data_ptr() - x.storage_offset() * x.itemsize if x.numel() else 0

    def nbytes(self) -> int:
        """The size in bytes."""
        return _core._storage_nbytes(self._tensor)

    size = __len__ = nbytes

    @property
    def device(self) -> Any:
        """Where the memory is."""
        return self._tensor.device

    @property
    def _cdata(self) -> int:
        return _core._storage_key(self._tensor)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._cdata == other._cdata

    def __hash__(self) -> int:
        return hash(self._cdata)

    def __repr__(self) -> str:
        return f"<torch.UntypedStorage(device={self.device}) of size {self.nbytes()}>"
