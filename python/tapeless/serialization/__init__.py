# Files of tensors: torch.save and torch.load in PyTorch's formats, both ways, bit for bit.
"""`save` and `load`, what they admit, and where storages go; as `torch.serialization`."""

from __future__ import annotations

import contextlib
import enum
import io
import os
import pickle
from collections.abc import Callable, Iterator
from typing import IO, Any

import tapeless
from tapeless.serialization import _archive, _files, _locations, _weights_only
from tapeless.serialization._locations import (
    default_restore_location,
    location_tag,
    register_package,
    validate_cuda_device,
)

__all__ = [
    "FILE_LIKE",
    "MAP_LOCATION",
    "LoadEndianness",
    "SourceChangeWarning",
    "StorageType",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "location_tag",
    "normalize_storage_type",
    "register_package",
    "safe_globals",
    "save",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
    "skip_data",
    "storage_to_tensor_type",
    "validate_cuda_device",
]

DEFAULT_PROTOCOL = 2
FILE_LIKE = str | os.PathLike[str] | IO[bytes]
StorageType = Any
MAP_LOCATION = Callable[[Any, str], Any] | tapeless.device | str | dict[str, str] | None
options = _files.options
_package_registry = _locations._registry


class SourceChangeWarning(Warning):
    """That the source of a pickled class changed; never given here."""


class LoadEndianness(enum.Enum):
    """The order of bytes that is assumed of files which do not say theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


def get_default_load_endianness() -> LoadEndianness | None:
    """The order of bytes assumed of files that do not say theirs; None: little."""
    return options.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Sets the order of bytes assumed of files that do not say theirs."""
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    options.endianness = endianness


def get_crc32_options() -> bool:
    """Whether `save` writes check sums."""
    return options.checksums


def set_crc32_options(compute_crc32: bool) -> None:
    """Sets whether `save` writes check sums; zip tools complain of files without."""
    options.checksums = compute_crc32


def get_default_mmap_options() -> int:
    """The flag that `load(mmap=True)` maps files with: MAP_PRIVATE or MAP_SHARED."""
    return options.mmap_flags


class set_default_mmap_options:
    """Sets that flag at once; as a context, until its end."""

    def __init__(self, flags: int) -> None:
        import mmap

        if flags not in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
            raise ValueError(
                f"Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, "
                f"but got {flags}"
            )
        self.prev, options.mmap_flags = options.mmap_flags, flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        options.mmap_flags = self.prev


class skip_data:
    """A context in which `save` writes zeros for elements, and `load` leaves elements uninitialised."""

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> None:
        self._before, options.skip_data = options.skip_data, True

    def __exit__(self, *_: object) -> None:
        options.skip_data = self._before


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Lets files loaded with `weights_only=True` name these classes and functions, or (object, name) pairs."""
    _weights_only.add(safe_globals)


def clear_safe_globals() -> None:
    """Forgets what `add_safe_globals` allowed."""
    _weights_only.replace({})


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` allowed."""
    return _weights_only.allowed_by_user()


class safe_globals:
    """A context in which files may name these classes and functions too."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        self._before = dict(_weights_only._user)
        add_safe_globals(self.safe_globals)

    def __exit__(self, *_: object) -> None:
        _weights_only.replace(self._before)


def get_unsafe_globals_in_checkpoint(f: FILE_LIKE) -> list[str]:
    """What a file in the zip format names and `weights_only=True` does not admit; nothing of it is run."""
    with _files.opened(f, "rb") as file:
        if not _files.is_zip(file):
            raise ValueError("Expected input to be a checkpoint returned by torch.save")
        return _files.unlisted(_archive.Reader(file).read("data.pkl"))


def save(
    obj: Any,
    f: FILE_LIKE,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Writes an object with its tensors into a file that PyTorch reads too.

    `f` is a path or has `write`. What shares memory shares it after `load`; geometry, dtypes, flags and attributes are
    kept, gradients and graphs are not. A path's old file is replaced in one step: an exception leaves it as it was.
    RuntimeError where the folder of a path does not exist.
    """
    if isinstance(f, (str, os.PathLike)):
        stem = os.path.basename(os.path.splitext(os.fspath(f))[0]) or "archive"
        with _files.replaced(os.fspath(f)) as file:
            save_into(obj, file, stem, pickle_module, pickle_protocol, _use_new_zipfile_serialization)
    elif hasattr(f, "write"):
        save_into(obj, f, "archive", pickle_module, pickle_protocol, _use_new_zipfile_serialization)
    else:
        raise AttributeError(
            f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got {f!r}"
        )


def save_into(obj: Any, file: Any, stem: str, module: Any, protocol: int, zipped: bool) -> None:
    """Writes into an open file, in the zip format or the older one."""
    if zipped:
        _files.save_zip(obj, file, stem, module, protocol)
        return
    from tapeless.serialization import _legacy

    _legacy.save(obj, file, module, protocol)


def load(
    f: FILE_LIKE,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """The object in a file that `save`, or PyTorch's, wrote.

    `weights_only=True`, the default, admits tensors, containers and what `add_safe_globals` allows, and runs nothing
    else: pickle.UnpicklingError for a file that names more. With False the file can run any code: only for files that
    you trust. `map_location` is a device, a dict of tags, or a function of a storage and its tag. `mmap=True` maps
    the file instead of reading it; writes to the tensors stay private. RuntimeError for a damaged file, EOFError for
    an empty one.
    """
    if pickle_module is not None and weights_only:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if weights_only is None:
        weights_only = pickle_module is None
    for variable, forced in (("TORCH_FORCE_WEIGHTS_ONLY_LOAD", True), ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", False)):
        if os.environ.get(variable, "0") in ("1", "y", "yes", "true"):
            weights_only = forced
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    _check_seekable(f)
    restore = _locations.restorer(map_location)
    try:
        with _files.opened(f, "rb") as file:
            return _load_opened(f, file, restore, pickle_module, weights_only, bool(mmap), pickle_load_args)
    except (pickle.UnpicklingError, RecursionError) as error:
        if not weights_only:
            raise
        raise pickle.UnpicklingError(_explained(str(error))) from error.__cause__


def _load_opened(f: Any, file: Any, restore: Any, module: Any, weights_only: bool, mapped: bool, options: Any) -> Any:
    if _files.is_zip(file):
        source = _files.Source(file, os.fspath(f) if mapped else None)
        return _files.load_zip(source, restore, module, weights_only, options)
    if mapped:
        raise RuntimeError(
            f"mmap can only be used with files saved with `torch.save({f}, _use_new_zipfile_serialization=True), "
            "please torch.save your checkpoint with this option in order to use mmap."
        )
    from tapeless.serialization import _legacy

    return _legacy.load(file, restore, module, weights_only, options)


def _check_seekable(f: Any) -> None:
    if isinstance(f, (str, os.PathLike)):
        return
    for name in ("seek", "tell", "read"):
        if not hasattr(f, name):
            raise AttributeError(
                f"'{type(f).__name__}' object has no attribute '{name}'. You can only torch.load from a file that is "
                "seekable. Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
            )
    try:
        f.seek(f.tell())
    except io.UnsupportedOperation as error:
        raise io.UnsupportedOperation(
            f"{error}. You can only torch.load from a file that is seekable. Please pre-load the data into a buffer "
            "like io.BytesIO and try to load from it instead."
        ) from None


def _explained(reason: str) -> str:
    """What to do about a file that names what is not listed, or is damaged."""
    return (
        "Weights only load failed. The file holds more than tensors and plain containers, or is damaged. "
        "Loading it with weights_only=False can run any code that its author put into it: do that only for a file that "
        f"you trust. Otherwise allow what it names, if you know it:\n\t{reason}"
    )


def normalize_storage_type(storage_type: Any) -> Any:
    """The class torch.XStorage for a class or name of one."""
    return getattr(tapeless, storage_type if isinstance(storage_type, str) else storage_type.__name__)


def storage_to_tensor_type(storage: Any) -> Any:
    """The class torch.XTensor of a typed storage."""
    return tapeless._typed.CLASSES[tapeless._typed.legacy_name(storage.dtype).removeprefix("torch.")]


def check_module_version_greater_or_equal(
    module: Any, req_version_tuple: tuple[int, ...], error_if_malformed: bool = True
) -> bool:
    """Whether a module's __version__ is at least a version."""
    try:
        parts = str(module.__version__).split(".")[: len(req_version_tuple)]
        version = tuple(type(need)(part) for need, part in zip(req_version_tuple, parts, strict=False))
        return version >= req_version_tuple
    except Exception as error:
        message = f"'{module.__name__}' module version string is malformed '{module.__version__}'"
        if error_if_malformed:
            raise RuntimeError(message) from error
        return True


@contextlib.contextmanager
def mkdtemp() -> Iterator[str]:
    """A context with a new folder, which is removed at its end."""
    import tempfile

    with tempfile.TemporaryDirectory() as path:
        yield path


def _get_layout(name: str) -> Any:
    """The layout that a file calls so."""
    found = getattr(tapeless, name.removeprefix("torch."), None) if isinstance(name, str) else None
    if not isinstance(found, tapeless.layout):
        raise pickle.UnpicklingError("load: a layout in the file has a name that is none")
    return found
