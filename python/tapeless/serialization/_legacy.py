# The format that PyTorch wrote before 1.6: pickles one after the other, and then the storages' bytes.
"""Reading and writing of `_use_new_zipfile_serialization=False`; the tar format before it is refused."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from typing import Any

from tapeless import _core
from tapeless._storage import UntypedStorage, swapped
from tapeless.serialization._locations import location_tag
from tapeless.serialization._pickling import StorageKind, kind_of, pickler, unpickler, wrapped
from tapeless.serialization._weights_only import Unpickler

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_TRUNCATED = "load: the file ends before its storages do: it was not saved or transferred to its end"


def save(obj: Any, file: Any, module: Any, protocol: int) -> None:
    """Writes an object into a file opened for writing."""
    kept: dict[str, Any] = {}

    def keep(storage: Any) -> tuple[Any, ...]:
        key, (kind, count) = str(storage._cdata), kind_of(storage)
        first = kept.setdefault(key, storage)
        if kind_of(first)[0] is not kind:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        return ("storage", kind, key, location_tag(storage.untyped()), count, None)

    sizes = {"short": 2, "int": 4, "long": 4}
    system = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": sizes}
    for part in (MAGIC, PROTOCOL, system):
        pickle.dump(part, file, protocol=protocol)
    pickler(file, protocol, keep, module).dump(obj)
    pickle.dump(sorted(kept), file, protocol=protocol)
    flush = getattr(file, "flush", None)
    if flush:
        flush()
    for key in sorted(kept):
        count = kind_of(kept[key])[1]
        file.write(struct.pack("<q", count) + kept[key].untyped()._contents())


class _Storages:
    """The storages that a file's pickle refers to, made empty and filled when their bytes come."""

    def __init__(self, left: int, restore: Callable[[Any, str], Any]) -> None:
        self._left, self._restore = left, restore
        self.found: dict[str, tuple[UntypedStorage, StorageKind, int]] = {}
        self._views: dict[str, Any] = {}

    def load(self, identifier: Any) -> Any:
        """The storage that an identifier of the pickle stands for."""
        if identifier[0] == "module":
            return identifier[1]  # A class, with its source as it was: PyTorch compares, we do not.
        if len(identifier) != 6 or identifier[0] != "storage":
            raise RuntimeError("load: a reference in the file is not to a storage")
        kind, key, location, count, view = identifier[1:]
        if not isinstance(kind, StorageKind) or type(count) is not int or type(key) is not str:
            raise RuntimeError("load: a reference to a storage is none; the file is damaged")
        if key not in self.found:
            nbytes = count * kind.dtype.itemsize
            if count < 0 or nbytes > self._left:
                raise RuntimeError(f"load: a storage of {nbytes} bytes in a file that has {self._left} left")
            made = self._restore(UntypedStorage(nbytes), location)
            self.found[key] = (getattr(made, "untyped", lambda: made)(), kind, count)
        storage, kind, _ = self.found[key]
        return wrapped(storage, kind) if view is None else self._part(storage, kind, view)

    def _part(self, storage: UntypedStorage, kind: StorageKind, view: Any) -> Any:
        view_key, offset, size = view
        if view_key not in self._views:
            step = kind.dtype.itemsize
            if not (type(offset) is int and type(size) is int and 0 <= offset <= offset + size <= len(storage) // step):
                raise RuntimeError("load: a view of a storage reaches outside of it; the file is damaged")
            self._views[view_key] = wrapped(storage[offset * step : (offset + size) * step], kind)
        return self._views[view_key]

    def fill(self, keys: Any, file: Any, swaps: bool) -> None:
        """Reads the bytes of the storages, in the order of their keys."""
        if not isinstance(keys, list) or set(map(str, keys)) != set(self.found):
            raise RuntimeError("load: the file's list of storages is not that of what it refers to; it is damaged")
        for key in keys:
            storage, kind, count = self.found[key]
            (written,) = struct.unpack("<q", _exactly(file, 8))
            if written != count:
                raise RuntimeError(f"load: storage {key} has {written} elements where {count} are announced")
            data = _exactly(file, count * kind.dtype.itemsize)
            if storage.device.type == "cpu" and data:
                data = swapped(data, kind.dtype) if swaps else data
                storage._flat().copy_(_core._tensor_from_bytes(data, _core.uint8, (len(data),), (1,)))


def _exactly(file: Any, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise RuntimeError(_TRUNCATED)
    return data


def load(file: Any, restore: Callable[[Any, str], Any], module: Any, weights_only: bool, options: Any) -> Any:
    """The object in a file opened for reading, from where the file stands."""
    start = file.tell()
    file.seek(0, 2)
    length = file.tell()
    file.seek(start)
    _refuse_tar(file, start)
    storages = _Storages(length - start, restore)

    def part() -> Any:
        if weights_only:
            return Unpickler(file, storages.load, length - file.tell()).load()
        return unpickler(file, storages.load, module, **options).load()

    if length == start:
        raise EOFError("Ran out of input")
    if part() != MAGIC:
        raise RuntimeError("Invalid magic number; corrupt file?")
    if part() != PROTOCOL:
        raise RuntimeError("Invalid protocol version: the file was written by another version of PyTorch")
    system = part()
    result = part()
    keys = part()
    storages.fill(keys, file, isinstance(system, dict) and system.get("little_endian") is False)
    return result


def _refuse_tar(file: Any, start: int) -> None:
    head = file.read(512)
    file.seek(start)
    if head[257:262] == b"ustar" or head.startswith((b"storages\0", b"sys_info\0", b"pickle\0")):
        raise RuntimeError(
            "load: the file is in the tar format of PyTorch 0.1; load it with an old PyTorch and save it again"
        )
