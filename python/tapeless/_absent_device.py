# What torch.cuda and torch.xpu say on a machine, or in a build, that has none of these devices.
"""The functions that both modules have, with PyTorch's answers where it was built without the device."""

import contextlib
from collections import OrderedDict
from typing import Any

import tapeless
from tapeless import _doors, _typed


def functions(device: str) -> dict[str, Any]:
    """Everything of the module of that name ("cuda") that needs no device, and refusals for what does."""
    missing = f"Torch not compiled with {device.upper()} enabled"
    module = f"torch.{device}"
    dummy = "Tried to instantiate dummy base class {}"
    return {
        **_doors.answers("is_available is_initialized is_bf16_supported is_tf32_supported", False),
        **_doors.answers("device_count memory_allocated memory_reserved memory_cached", 0),
        **_doors.answers("max_memory_allocated max_memory_reserved max_memory_cached", 0),
        **_doors.answers("empty_cache manual_seed manual_seed_all seed seed_all set_rng_state_all", None),
        **_doors.answers("reset_peak_memory_stats reset_accumulated_memory_stats", None),
        **_doors.answers("reset_max_memory_allocated reset_max_memory_cached", None),
        **_doors.answers("get_rng_state_all get_arch_list", []),
        **_doors.answers("get_gencode_flags", ""),
        **_doors.answers("memory_stats memory_stats_as_nested_dict", OrderedDict()),
        **_doors.refusals(
            "init current_device current_stream default_stream synchronize get_device_name get_device_capability "
            "get_device_properties get_rng_state set_rng_state initial_seed mem_get_info memory_summary "
            "memory_snapshot ipc_collect set_stream get_sync_debug_mode set_sync_debug_mode can_device_access_peer "
            "is_current_stream_capturing make_graphed_callables graph_pool_handle set_per_process_memory_fraction "
            "utilization current_blas_handle list_gpu_processes",
            AssertionError,
            missing,
        ),
        **_doors.kinds("Stream Event ExternalStream MemPool", module, dummy),
        **_typed_constructors(device, missing),
        **_guards(device, missing),
        "default_generators": (),
        "set_device": _set_device(missing),
    }


def _typed_constructors(device: str, missing: str) -> dict[str, type]:
    text = f"type torch.{device}.{{}} not available. {missing}."
    return _doors.kinds(" ".join(_typed.CLASSES), f"torch.{device}", text, TypeError)


def _index(device: Any) -> int:
    """The number of a device that a caller named, -1 for none."""
    if device is None:
        return -1
    if isinstance(device, (str, tapeless.device)):
        return tapeless.device(device).index or 0
    return int(device)


def _set_device(missing: str) -> Any:
    def set_device(device: Any) -> None:
        """Nothing for a negative number; AssertionError for a device, as there is none."""
        if _index(device) >= 0:
            raise AssertionError(missing)

    return set_device


def _guards(device: str, missing: str) -> dict[str, type]:
    """The context managers `device`, `device_of` and `stream`: nothing without a device, an error with one."""

    class Device(contextlib.AbstractContextManager):
        """Makes a device the current one within it; AssertionError, as there is none."""

        def __init__(self, device: Any) -> None:
            self.idx = _index(device)

        def __enter__(self) -> None:
            if self.idx >= 0:
                raise AssertionError(missing)

        def __exit__(self, *exception: Any) -> None:
            pass

    class DeviceOf(Device):
        """Makes the device of a tensor the current one; nothing for a tensor of the CPU."""

        def __init__(self, obj: Any) -> None:
            super().__init__(obj.device if getattr(obj, "is_" + device, False) else None)

    class StreamContext(contextlib.AbstractContextManager):
        """Makes a stream the current one; nothing for None, and nothing else can be given."""

        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __exit__(self, *exception: Any) -> None:
            pass

    for kind, name in (Device, "device"), (DeviceOf, "device_of"), (StreamContext, "StreamContext"):
        kind.__name__ = kind.__qualname__ = name
        kind.__module__ = "torch." + device
    return {"device": Device, "device_of": DeviceOf, "StreamContext": StreamContext, "stream": StreamContext}
