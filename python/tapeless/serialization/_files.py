# One object into an archive and out of it; files that are replaced in one step.
"""The zip format's two directions, and the files around them."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import pickle
import pickletools
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from tapeless import _core
from tapeless._storage import UntypedStorage, swapped
from tapeless.serialization import _weights_only
from tapeless.serialization._archive import ALIGNMENT, Reader, Writer, mapped
from tapeless.serialization._locations import location_tag
from tapeless.serialization._pickling import (
    StorageKind,
    bytes_storage,
    kind_of,
    pickler,
    unpickler,
    wrapped,
)


class Options:
    """What programs set once for all files."""

    endianness: Any = None
    checksums = True
    mmap_flags = mmap.MAP_PRIVATE
    skip_data = False


options = Options()


# --- Files ---


@contextlib.contextmanager
def opened(f: Any, mode: str) -> Iterator[Any]:
    """A path's file, or the open file itself."""
    if isinstance(f, (str, os.PathLike)):
        with open(f, mode) as file:
            yield file
    else:
        yield f


@contextlib.contextmanager
def replaced(path: str) -> Iterator[Any]:
    """A new file that takes the path's place when all is written, with the permissions of the old one."""
    real = os.path.realpath(path)
    folder = os.path.dirname(real)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(path) or folder} does not exist.")
    old = os.stat(real) if os.path.exists(real) else None
    if old is not None and (not stat.S_ISREG(old.st_mode) or not os.access(folder, os.W_OK)):
        with open(real, "wb") as file:  # A pipe or device, or a folder that takes no new file.
            yield file
        return
    if old is not None and not os.access(real, os.W_OK):
        raise PermissionError(13, "Permission denied", path)
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(real)[:100]}.", suffix=".tmp", dir=folder)
    try:
        os.fchmod(handle, stat.S_IMODE(old.st_mode) if old else 0o666 & ~_umask())
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(temporary, real)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    """The mask of the process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def is_zip(file: Any) -> bool:
    """Whether an archive begins where the file stands."""
    start = file.tell()
    head = file.read(4)
    file.seek(start)
    return head == b"PK\3\4"


# --- Writing ---


def save_zip(obj: Any, file: Any, stem: str, module: Any, protocol: int) -> None:
    """Writes an object as an archive whose records lie in a folder `stem`."""
    kept: dict[int, tuple[str, Any]] = {}
    kinds: dict[int, Any] = {}

    def keep(storage: Any) -> tuple[Any, ...]:
        kind, count = kind_of(storage)
        untyped = storage.untyped()
        if kinds.setdefault(storage._cdata, kind) is not kind:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        key = kept.setdefault(storage._cdata, (str(len(kept)), untyped))[0]
        return ("storage", kind, key, location_tag(untyped), count)

    pickled = io.BytesIO()
    pickler(pickled, protocol, keep, module).dump(obj)
    archive = Writer(file.write, stem, options.checksums)
    archive.record("data.pkl", pickled.getvalue())
    archive.record(".format_version", b"1")
    archive.record(".storage_alignment", str(ALIGNMENT).encode())
    archive.record("byteorder", sys.byteorder.encode())
    for key, storage in kept.values():
        archive.record(f"data/{key}", bytes(storage.nbytes()) if options.skip_data else storage._contents())
    archive.record("version", b"3\n")
    archive.record(".data/serialization_id", archive.identity())
    archive.close()


# --- Reading ---


class Source:
    """Where an archive's bytes come from: a file that is read, or a path that is mapped."""

    def __init__(self, file: Any, path: Any) -> None:
        start = file.tell()
        self.reader = Reader(_Tail(file, start) if start else file)
        shared = options.mmap_flags == mmap.MAP_SHARED
        self._map = mapped(path, shared) if path is not None else None

    def storage(self, name: str, swap: Any) -> UntypedStorage:
        """The storage of a record, with the bytes of each number turned around where `swap` is a dtype."""
        start, size = self.reader.place(name)
        if options.skip_data:
            return UntypedStorage(size)
        if self._map is not None and size and swap is None:
            return UntypedStorage(_core._frombuffer(self._map, _core.uint8, size, start))
        data = self.reader.read(name)
        return bytes_storage(swapped(data, swap) if swap is not None else data)


class _Tail(io.RawIOBase):
    """A file from a place on: archives may follow other data."""

    def __init__(self, file: Any, start: int) -> None:
        self._file, self._start = file, start

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset + (self._start if whence == 0 else 0), whence) - self._start

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def _swaps(reader: Reader) -> bool:
    """Whether the file's order of bytes is not this machine's."""
    if "byteorder" in reader:
        order = reader.read("byteorder")
        if order not in (b"little", b"big"):
            raise ValueError(f"Unknown endianness type: {order[:20]!r}")
        return order != sys.byteorder.encode()
    chosen = getattr(options.endianness, "name", "LITTLE").lower()
    return chosen in ("little", "big") and chosen != sys.byteorder


def load_zip(source: Source, restore: Callable[[Any, str], Any], module: Any, weights_only: bool, given: Any) -> Any:
    """The object in an archive."""
    reader = source.reader
    if "data.pkl" not in reader and "constants.pkl" in reader or "code/" in reader:
        raise RuntimeError("load: the file is a TorchScript archive (torch.jit.save); Tapeless runs no TorchScript")
    swaps = _swaps(reader)
    loaded: dict[str, tuple[Any, StorageKind]] = {}

    def load_storage(identifier: Any) -> Any:
        kind, key, location, count = _checked(identifier)
        if key not in loaded:
            storage = _from(source, kind, key, count, swaps)
            made = restore(storage, location)
            loaded[key] = (made.untyped() if hasattr(made, "untyped") else made, kind)
        storage, first = loaded[key]
        if first.dtype is not kind.dtype and swaps:
            raise RuntimeError("load: a storage in the other order of bytes is read as two dtypes")
        return wrapped(storage, kind)

    data = reader.read("data.pkl")
    if weights_only:
        return _weights_only.Unpickler(io.BytesIO(data), load_storage, len(data)).load()
    return unpickler(io.BytesIO(data), load_storage, module, **given).load()


def _checked(identifier: Any) -> tuple[StorageKind, str, str, int]:
    if not isinstance(identifier, tuple) or len(identifier) != 5 or identifier[0] != "storage":
        raise pickle.UnpicklingError("load: a reference in the file is not to a storage")
    kind, key, location, count = identifier[1:]
    if not isinstance(kind, StorageKind) or type(key) is not str or type(location) is not str or type(count) is not int:
        raise pickle.UnpicklingError("load: a reference to a storage in the file has parts of wrong types")
    return kind, key, location, count


def _from(source: Source, kind: StorageKind, key: str, count: int, swaps: bool) -> UntypedStorage:
    nbytes = count * kind.dtype.itemsize
    if "data/" + key not in source.reader and nbytes == 0:
        return UntypedStorage(0)
    size = source.reader.place("data/" + key)[1]
    if size < nbytes or count < 0:
        raise RuntimeError(f"load: storage {key!r:.40} is announced with {nbytes} bytes and has {size}")
    return source.storage("data/" + key, kind.dtype if swaps and kind.dtype.itemsize > 1 else None)


def unlisted(data: bytes) -> list[str]:
    """The names in a pickle that `weights_only=True` does not admit."""
    found: dict[str, None] = {}
    texts: list[str] = []
    for code, argument, _ in pickletools.genops(data):
        if code.name == "GLOBAL":
            module, name = argument.split(" ", 1)
        elif code.name == "STACK_GLOBAL" and len(texts) >= 2:
            module, name = texts[-2:]
        else:
            if isinstance(argument, str):
                texts.append(argument)
            continue
        try:
            _weights_only.look_up(module, name)
        except pickle.UnpicklingError:
            found[f"{module}.{name}"] = None
    return sorted(found)
