# Where storages of files go: the tags of devices, and what map_location makes of them.
"""The registry of locations, `location_tag`, `default_restore_location`, and the meaning of `map_location`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tapeless
from tapeless._storage import UntypedStorage

# (priority, what tags a storage, what restores one), the smallest priority first.
_registry: list[tuple[int, Callable[[Any], Any], Callable[[Any, str], Any]]] = []


def register_package(
    priority: int, tagger: Callable[[Any], str | None], deserializer: Callable[[Any, str], Any]
) -> None:
    """Adds a kind of location: `tagger(storage)` and `deserializer(storage, location)` return None for others'."""
    _registry.append((priority, tagger, deserializer))
    _registry.sort(key=lambda entry: entry[0])


def location_tag(storage: Any) -> str:
    """What a file says of where a storage is: "cpu" or "meta", or what a registered package says."""
    for _, tagger, _ in _registry:
        location = tagger(storage)
        if location:
            return location
    raise RuntimeError(f"don't know how to determine data location of {type(storage).__name__}")


def default_restore_location(storage: Any, location: str) -> Any:
    """A storage of a file where the file says that it was; RuntimeError where there is no such device."""
    for _, _, deserializer in _registry:
        restored = deserializer(storage, location)
        if restored is not None:
            return restored
    raise RuntimeError(
        f"don't know how to restore data location of {type(storage).__module__}.{type(storage).__qualname__} "
        f"(tagged with {location})"
    )


def _restore_cpu(storage: Any, location: str) -> Any:
    return storage if location == "cpu" else None


def _restore_meta(storage: Any, location: str) -> Any:
    return UntypedStorage(storage.nbytes(), device="meta") if location == "meta" else None


def validate_cuda_device(location: str) -> int:
    """The index of a CUDA device; RuntimeError, since there is none."""
    raise RuntimeError(
        "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running "
        "on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to "
        "the CPU."
    )


def _refuse_others(storage: Any, location: str) -> Any:
    kind = location.partition(":")[0]
    if kind == "cuda":
        validate_cuda_device(location)
    if kind in ("mps", "xpu", "hpu", "mtia", "xla", "privateuseone", "npu"):
        raise RuntimeError(
            f"Attempting to deserialize object on a {kind.upper()} device but there is none here. Please use "
            "torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
        )


register_package(10, lambda storage: "cpu" if storage.device.type == "cpu" else None, _restore_cpu)
register_package(20, lambda storage: None, _refuse_others)
register_package(30, lambda storage: "meta" if storage.device.type == "meta" else None, _restore_meta)


def restorer(map_location: Any) -> Callable[[Any, str], Any]:
    """The function of a storage and its tag that `map_location` stands for."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(storage, map_location.get(location, location))
    if isinstance(map_location, (str, bytes)):
        name = map_location.decode() if isinstance(map_location, bytes) else map_location
        return lambda storage, location: default_restore_location(storage, name)
    if isinstance(map_location, tapeless.device):
        return lambda storage, location: default_restore_location(storage, str(map_location))

    def asked(storage: Any, location: str) -> Any:
        found = map_location(storage, location)
        return default_restore_location(storage, location) if found is None else found

    return asked
