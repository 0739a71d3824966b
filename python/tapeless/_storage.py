# Storages as Python sees them: the memory behind tensors, addressed in bytes or in elements.
"""UntypedStorage, which `Tensor.untyped_storage()` returns, and the older TypedStorage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tapeless import _core


class UntypedStorage:
    """The memory that a tensor and its views share, as bytes."""

    __module__ = "torch.storage"

    def __init__(self, source: Any = 0) -> None:
        self._tensor = source.detach() if isinstance(source, _core.Tensor) else _bytes_of(source)

    def _flat(self) -> Any:
        return _elements(self._tensor, _core.uint8)

    def data_ptr(self) -> int:
        """The address of the first byte; 0 when there is none."""
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

    def __getitem__(self, index: Any) -> Any:
        return UntypedStorage(self._flat()[index]) if isinstance(index, slice) else self._flat()[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._flat()[index] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def tolist(self) -> list[int]:
        """The bytes as a list of numbers."""
        return self._flat().tolist()

    def clone(self) -> UntypedStorage:
        """A storage of its own with the same bytes."""
        return UntypedStorage(self._flat().clone())

    def copy_(self, source: UntypedStorage, non_blocking: bool = False) -> UntypedStorage:
        """Overwrites the bytes with those of another storage of the same size."""
        self._flat().copy_(source._flat())
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Sets every byte to one value."""
        self._flat().fill_(value)
        return self

    def resize_(self, size: int) -> UntypedStorage:
        """Gives the storage room for that many bytes; what fits stays."""
        _core._resize(self._flat(), (size,))
        return self

    def element_size(self) -> int:
        """The bytes of one element: 1."""
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._cdata == other._cdata

    def __hash__(self) -> int:
        return hash(self._cdata)

    def __repr__(self) -> str:
        return f"<torch.UntypedStorage(device={self.device}) of size {self.nbytes()}>"


class TypedStorage:
    """The memory that a tensor and its views share, as elements of the tensor's dtype."""

    __module__ = "torch.storage"

    def __init__(self, tensor: _core.Tensor) -> None:
        self._tensor = tensor.detach()

    def _flat(self) -> Any:
        return _elements(self._tensor, self.dtype)

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._tensor.dtype

    @property
    def device(self) -> Any:
        """Where the memory is."""
        return self._tensor.device

    @property
    def _cdata(self) -> int:
        return _core._storage_key(self._tensor)

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._tensor)

    def nbytes(self) -> int:
        """The size in bytes."""
        return _core._storage_nbytes(self._tensor)

    def size(self) -> int:
        """The number of elements."""
        return self.nbytes() // self.element_size()

    __len__ = size

    def element_size(self) -> int:
        """The bytes of one element."""
        return self._tensor.itemsize

    def data_ptr(self) -> int:
        """The address of the first element; 0 when there is none."""
        return self.untyped().data_ptr()

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._flat().tolist()

    def __getitem__(self, index: Any) -> Any:
        return TypedStorage(self._flat()[index]) if isinstance(index, slice) else self._flat()[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._flat()[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def fill_(self, value: Any) -> TypedStorage:
        """Sets every element to one value."""
        self._flat().fill_(value)
        return self

    def copy_(self, source: TypedStorage, non_blocking: bool = False) -> TypedStorage:
        """Overwrites the elements with those of another storage of the same size."""
        self._flat().copy_(source._flat())
        return self

    def clone(self) -> TypedStorage:
        """A storage of its own with the same elements."""
        return TypedStorage(self._flat().clone())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and self._cdata == other._cdata and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self._cdata)

    def __repr__(self) -> str:
        lines = "".join(f" {value}\n" for value in self.tolist())
        return f"{lines}[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {self.size()}]"


def _bytes_of(source: Any) -> _core.Tensor:
    """A new storage's bytes: so many, or those that a sequence lists."""
    if isinstance(source, int):
        return _core.empty((source,), dtype=_core.uint8)
    return _core.tensor(list(source), dtype=_core.uint8)


def _elements(x: _core.Tensor, dtype: Any) -> Any:
    """All memory of a tensor's storage as a vector of a dtype."""
    whole = x.as_strided((_core._storage_nbytes(x) // x.itemsize,), (1,), 0)
    return whole if dtype is x.dtype else whole.view(dtype)


def is_storage(obj: Any) -> bool:
    """Whether a value is a storage."""
    return isinstance(obj, (TypedStorage, UntypedStorage))
