# Storages as Python sees them: the memory behind tensors, addressed in bytes or in elements.
"""UntypedStorage, which `Tensor.untyped_storage()` returns, and the older TypedStorage."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from tapeless import _core
from tapeless._typed import NAMES


class UntypedStorage:
    """The memory that a tensor and its views share, as bytes."""

    __module__ = "torch.storage"

    def __init__(self, source: Any = 0, *, device: Any = None) -> None:
        self._tensor = source.detach() if isinstance(source, _core.Tensor) else _bytes_of(source, device)

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
        return UntypedStorage(_part(self._flat(), index)) if isinstance(index, slice) else self._flat()[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._flat()[index] = value

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """A file's bytes as memory. Writes go into the file where `shared`, which then grows to `nbytes` if it must."""
        import mmap
        import os

        with open(filename, "r+b" if shared else "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < nbytes and not shared:
                raise RuntimeError(f"from_file: {filename} has {size} bytes and is asked for {nbytes}")
            if size < nbytes:
                file.truncate(nbytes)
            access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
            memory = mmap.mmap(file.fileno(), nbytes, access=access) if nbytes else b""
        return cls(_core._frombuffer(memory, _core.uint8, nbytes, 0)) if nbytes else cls(0)

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

    def cpu(self) -> UntypedStorage:
        """The storage itself: its memory is the processor's."""
        return self

    def cuda(self, device: Any = None, non_blocking: bool = False) -> UntypedStorage:
        """A copy on a CUDA device, of which there is none: RuntimeError."""
        return UntypedStorage(self._tensor.cuda(device))

    def untyped(self) -> UntypedStorage:
        """The storage itself."""
        return self

    def share_memory_(self) -> UntypedStorage:
        """The storage itself; see Tensor.share_memory_."""
        self._tensor.share_memory_()
        return self

    def is_shared(self) -> bool:
        """Whether other processes see writes to the memory."""
        return self._tensor.is_shared()

    def __reduce__(self) -> Any:
        from tapeless._utils import _storage_from_bytes

        return _storage_from_bytes, (self._contents(), None)

    def _contents(self) -> bytes:
        """A copy of all bytes, which leaves the memory free to be computed later."""
        if self.nbytes() == 0:
            return b""
        return _core._storage_bytes(_whole(self._tensor))[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._cdata == other._cdata

    def __hash__(self) -> int:
        return hash(self._cdata)

    def __sizeof__(self) -> int:
        return super().__sizeof__() + self.nbytes()

    def __repr__(self) -> str:
        return f"<torch.UntypedStorage(device={self.device}) of size {self.nbytes()}>"


class TypedStorage:
    """The memory that a tensor and its views share, as elements of the tensor's dtype."""

    __module__ = "torch.storage"

    def __init__(
        self,
        source: Any = 0,
        *,
        wrap_storage: UntypedStorage | None = None,
        dtype: Any = None,
        device: Any = None,
        _internal: bool = False,
    ) -> None:
        dtype = dtype or getattr(type(self), "_dtype", None) or _core.get_default_dtype()
        if wrap_storage is not None and wrap_storage.device.type == "meta":
            self._tensor = _core.empty((wrap_storage.nbytes() // dtype.itemsize,), dtype=dtype, device="meta")
        elif wrap_storage is not None:
            self._tensor = wrap_storage._flat().view(dtype)
        elif isinstance(source, _core.Tensor):
            self._tensor = source.detach()
        elif isinstance(source, int):
            self._tensor = _core.empty((source,), dtype=dtype, device=device)
        else:
            self._tensor = _core.tensor(list(source), dtype=dtype)

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

    def __sizeof__(self) -> int:
        return super().__sizeof__() + self.nbytes()

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
        return TypedStorage(_part(self._flat(), index)) if isinstance(index, slice) else self._flat()[index].item()

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

    def __reduce__(self) -> Any:
        from tapeless._utils import _storage_from_bytes

        return _storage_from_bytes, (self.untyped()._contents(), self.dtype)

    @classmethod
    def from_buffer(cls, buffer: Any, byte_order: str = "native", *args: Any, **kwargs: Any) -> TypedStorage:
        """A storage with a copy of a buffer's bytes, each element's turned around where the order is not ours."""
        dtype = kwargs.get("dtype") or getattr(cls, "_dtype", _core.uint8)
        data = bytes(buffer)
        if byte_order not in ("native", "little", "big"):
            raise ValueError(f"invalid byte_order '{byte_order}' (expected 'big', 'little' or 'native')")
        if byte_order not in ("native", sys.byteorder):
            data = swapped(data, dtype)
        return TypedStorage(_core._tensor_from_bytes(data, dtype, (len(data) // dtype.itemsize,), (1,)))

    _from_buffer = from_buffer

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


def _bytes_of(source: Any, device: Any = None) -> _core.Tensor:
    """A new storage's bytes: so many, or those that a sequence lists."""
    if isinstance(source, int):
        return _core.empty((source,), dtype=_core.uint8, device=device)
    return _core.tensor(list(source), dtype=_core.uint8)


def _elements(x: _core.Tensor, dtype: Any) -> Any:
    """All memory of a tensor's storage as a vector of a dtype."""
    if x.itemsize == 1 or _core._storage_nbytes(x) % x.itemsize == 0:
        whole = x.as_strided((_core._storage_nbytes(x) // x.itemsize,), (1,), 0)
        return whole if dtype is x.dtype else whole.view(dtype)
    whole = _whole(x)
    return whole[: whole.numel() // dtype.itemsize * dtype.itemsize].view(dtype)


def _part(flat: _core.Tensor, index: slice) -> _core.Tensor:
    """A part of a vector as memory of its own extent, which both share."""
    part = flat[index]
    if not part.numel() or part.is_meta:
        return part.clone()
    return _core._frombuffer(part.contiguous(), part.dtype, part.numel(), 0)


def _whole(x: _core.Tensor) -> _core.Tensor:
    """All bytes of a tensor's storage, those after the last whole element too."""
    count = _core._storage_nbytes(x)
    flat = x.as_strided((count // x.itemsize,), (1,), 0).view(_core.uint8)
    return flat if flat.numel() == count else _core._resize(flat.detach(), (count,))


def swapped(data: bytes, dtype: Any) -> bytes:
    """The bytes of each number in the other order; a complex element is two numbers."""
    size = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
    out = bytearray(len(data))
    for at in range(size):
        out[at::size] = data[size - 1 - at :: size]
    return bytes(out)


class _TypeOfElements(type):
    """The type of torch.FloatStorage and its relatives: `isinstance` asks the dtype of a TypedStorage."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is cls._dtype  # type: ignore[attr-defined]


# torch.FloatStorage and so on, by their dtypes: files name them.
BY_DTYPE = {
    dtype: _TypeOfElements(f"{name}Storage", (TypedStorage,), {"_dtype": dtype, "__module__": "torch"})
    for dtype, name in NAMES.items()
}
CLASSES = {kind.__name__: kind for kind in BY_DTYPE.values()}


def is_storage(obj: Any) -> bool:
    """Whether a value is a storage."""
    return isinstance(obj, (TypedStorage, UntypedStorage))
