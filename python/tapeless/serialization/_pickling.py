# Pickling into files and back: PyTorch's names, storages apart from what refers to them.
"""The pickler and the unpickler of whole objects; `_weights_only` holds the one that admits listed types only."""

from __future__ import annotations

import pickle
from types import FunctionType
from typing import Any

from tapeless import _core
from tapeless._storage import BY_DTYPE, TypedStorage, UntypedStorage
from tapeless._utils import _storage_from_bytes, parameter_type
from tapeless._values import memory_format
from tapeless.serialization import _names
from tapeless.utils.hooks import warn_if_has_hooks

_Base: Any = pickle._Pickler  # type: ignore[attr-defined]  # The C pickler lets nobody choose a global's name.


class Pickler(_Base):
    """Writes an object; `keep` is told of each storage and returns what stands for it."""

    def __init__(self, file: Any, protocol: int, keep: Any) -> None:
        super().__init__(file, protocol=protocol)
        self._keep = keep

    def persistent_id(self, obj: Any) -> Any:
        """What stands for a storage; None for any other object."""
        return self._keep(obj) if isinstance(obj, (TypedStorage, UntypedStorage)) else None

    def reducer_override(self, obj: Any) -> Any:
        """How tensors, dtypes and the like are written; NotImplemented leaves an object to pickle."""
        if isinstance(obj, _core.Tensor):
            return self._tensor(obj)
        form = _names.small_form(obj)
        return NotImplemented if form is None else form

    def _tensor(self, x: _core.Tensor) -> Any:
        own = type(x).__reduce_ex__
        if own is not _core.Tensor.__reduce_ex__ and type(x) is not parameter_type():
            return own(x, self.proto)
        warn_if_has_hooks(x)
        return _names.tensor_form(x)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Writes a class or function by its name, those of this package by PyTorch's."""
        if isinstance(obj, (_core.dtype, memory_format)):
            found: Any = ("torch", name)
        else:
            found = _names.written(obj, name)
        if found is None:
            super().save_global(obj, name)
            return
        module, called = found
        if self.proto >= 4:
            self.save(module)
            self.save(called)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + module.encode() + b"\n" + called.encode() + b"\n")
        self.memoize(obj)

    dispatch = {**_Base.dispatch, FunctionType: save_global}


def pickler(file: Any, protocol: int, keep: Any, module: Any = None) -> Any:
    """Our pickler, or that of a module that a program chose (dill), which writes names as it likes."""
    if module in (None, pickle):
        return Pickler(file, protocol, keep)

    class Chosen(module.Pickler):  # type: ignore[misc,name-defined]
        def persistent_id(self, obj: Any) -> Any:
            return keep(obj) if isinstance(obj, (TypedStorage, UntypedStorage)) else None

    return Chosen(file, protocol=protocol)


def unpickler(file: Any, load_storage: Any, module: Any = None, **options: Any) -> Any:
    """The unpickler of `module`, which finds PyTorch's names here."""
    base = (module or pickle).Unpickler

    class Chosen(base):  # type: ignore[misc,valid-type]
        def find_class(self, mod_name: str, name: str) -> Any:
            if type(name) is str and "Storage" in name and mod_name in ("torch", "torch.storage"):
                return storage_kind(name)
            if _names.is_ours(mod_name):
                return _names.find(mod_name, name)
            return super().find_class(mod_name, name)

        def persistent_load(self, saved_id: Any) -> Any:
            return load_storage(saved_id)

    return Chosen(file, **options)


class StorageKind:
    """What a file calls the type of a storage: a dtype, or none where the storage is bytes."""

    def __init__(self, name: str) -> None:
        self.name = name
        dtypes = {kind.__name__: dtype for dtype, kind in BY_DTYPE.items()}
        if name not in dtypes and name not in ("UntypedStorage", "TypedStorage"):
            raise pickle.UnpicklingError(f"load: torch.{name} holds elements of a dtype that Tapeless has not")
        self.typed = name != "UntypedStorage"
        self.dtype = dtypes.get(name, _core.uint8)


def storage_kind(name: str) -> Any:
    """The class of storages without a type, or the kind of that name."""
    return StorageKind(name)


def kind_of(storage: Any) -> tuple[Any, int]:
    """The class that a file names for a storage, and how many elements it has."""
    if isinstance(storage, UntypedStorage):
        return UntypedStorage, storage.nbytes()
    return BY_DTYPE[storage.dtype], storage.size()


def wrapped(untyped: UntypedStorage, kind: StorageKind) -> Any:
    """A storage of bytes as the file's kind of storage."""
    return TypedStorage(wrap_storage=untyped, dtype=kind.dtype, _internal=True) if kind.typed else untyped


def bytes_storage(data: Any) -> UntypedStorage:
    """A storage with a copy of bytes."""
    return _storage_from_bytes(data, None)
