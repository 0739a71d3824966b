# What autocast has set in this thread, for each type of device, asked and set by name.
"""The functions of the namespace that read and change autocast's settings."""

import warnings
from typing import Any

from tapeless import _core

autocast_decrement_nesting = _core.autocast_decrement_nesting
autocast_increment_nesting = _core.autocast_increment_nesting
clear_autocast_cache = _core.clear_autocast_cache
is_autocast_cache_enabled = _core.is_autocast_cache_enabled
set_autocast_cache_enabled = _core.set_autocast_cache_enabled

# Types of devices that PyTorch knows of and that have no autocast.
_WITHOUT = ("mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "lazy", "vulkan", "meta")


def is_autocast_available(device_type: str) -> bool:
    """Whether that type of device has an autocast; RuntimeError for what is no type of device."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if _core._autocast_device(device_type):
        return True
    if device_type in _WITHOUT:
        return False
    raise RuntimeError(
        "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, "
        f"mps, meta, hpu, mtia, privateuseone device type at start of device string: {device_type}"
    )


def _checked(name: str, device_type: Any) -> str:
    if not isinstance(device_type, str):
        raise TypeError(f"{name}(): argument 'device_type' (position 1) must be str, not {type(device_type).__name__}")
    if not is_autocast_available(device_type):
        raise RuntimeError("unsupported scalarType" if "dtype" in name else f"unknown device type for {name}")
    return device_type


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether operations on that type of device choose their precision in this thread."""
    return _core._autocast_enabled(_checked("is_autocast_enabled", device_type))


def set_autocast_enabled(*args: Any, **kwargs: Any) -> None:
    """set_autocast_enabled(device_type, enabled); with `enabled` alone it is about CUDA."""
    given = dict(zip(("device_type", "enabled") if len(args) > 1 else ("enabled",), args, strict=False), **kwargs)
    enabled = given.get("enabled")
    if not isinstance(enabled, bool):
        raise TypeError(
            f"set_autocast_enabled(): argument 'enabled' (position 1) must be bool, not {type(enabled).__name__}"
        )
    _core._set_autocast_enabled(_checked("set_autocast_enabled", given.get("device_type", "cuda")), enabled)


def get_autocast_dtype(device_type: str) -> Any:
    """The lower precision of that type of device: bfloat16 on the CPU unless another was set."""
    return _core._autocast_dtype(_checked("get_autocast_dtype", device_type))


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Sets the lower precision of that type of device in this thread."""
    _core._set_autocast_dtype(_checked("set_autocast_dtype", device_type), dtype)


def _older(name: str, device: str, call: str, act: Any) -> Any:
    """A function of one device under its first name, which PyTorch deprecates."""

    def older(*args: Any) -> Any:
        warnings.warn(f"torch.{name} is deprecated. Please use torch.{call} instead.", DeprecationWarning, stacklevel=2)
        return act(device, *args)

    older.__name__ = older.__qualname__ = name.partition("(")[0]
    older.__doc__ = f"torch.{call} under an older name."
    return older


for _word, _device in (("gpu", "cuda"), ("cpu", "cpu"), ("ipu", "ipu"), ("xla", "xla")):
    if _word != "gpu":
        _name = f"is_autocast_{_word}_enabled"
        globals()[_name] = _older(f"{_name}()", _device, f"is_autocast_enabled('{_device}')", is_autocast_enabled)
        _name = f"set_autocast_{_word}_enabled"
        globals()[_name] = _older(
            f"{_name}(enabled)", _device, f"set_autocast_enabled('{_device}', enabled)", set_autocast_enabled
        )
    _name = f"get_autocast_{_word}_dtype"
    globals()[_name] = _older(f"{_name}()", _device, f"get_autocast_dtype('{_device}')", get_autocast_dtype)
    _name = f"set_autocast_{_word}_dtype"
    globals()[_name] = _older(f"{_name}(dtype)", _device, f"set_autocast_dtype('{_device}', dtype)", set_autocast_dtype)
