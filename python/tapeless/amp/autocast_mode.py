# torch.amp.autocast: the context in which operations choose their precision, and its helpers for custom Functions.
"""Automatic mixed precision.

Inside `autocast("cpu")` products run in bfloat16, losses and other sensitive operations in float32, and what joins
tensors takes the widest dtype among them. Which operation does what is said where the operation is.
"""

import functools
import warnings
from collections.abc import Mapping
from typing import Any

import tapeless
from tapeless import _core
from tapeless.amp._state import get_autocast_dtype, is_autocast_available, is_autocast_enabled
from tapeless.autograd.grad_mode import _decorate

__all__ = ["autocast", "autocast_decorator", "custom_bwd", "custom_fwd", "is_autocast_available"]

_LOWER = (tapeless.bfloat16, tapeless.float16)


def autocast_decorator(autocast_instance: "autocast", func: Any) -> Any:
    """`func`, whose calls run inside that context."""
    decorated = _decorate(lambda: autocast_instance, func)
    decorated.__script_unsupported = "@autocast() decorator is not supported in script mode"
    return decorated


class autocast:
    """A context, or a decorator, in which operations on a type of device choose their precision.

    `dtype` is the lower precision: bfloat16 or float16 on the CPU. Contexts nest; `enabled=False` inside makes an
    island without. A float32 parameter is converted once until the outermost context ends, unless `cache_enabled` is
    off; its gradient comes in float32.
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError("unsupported scalarType")
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = _core.is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._enabled = enabled and self._usable()
        self._before: list[Any] = []

    def _usable(self) -> bool:
        """Warns and answers False where nothing could run in that precision."""
        if self.device == "cuda":
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=3)
            return False
        if self.device == "cpu" and self.fast_dtype not in _LOWER:
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=3,
            )
            return False
        return True

    def __enter__(self) -> "autocast":
        self._before.append(
            (is_autocast_enabled(self.device), get_autocast_dtype(self.device), _core.is_autocast_cache_enabled())
        )
        _core._set_autocast_enabled(self.device, self._enabled)
        _core._set_autocast_dtype(self.device, self.fast_dtype)
        _core.set_autocast_cache_enabled(self._cache_enabled)
        _core.autocast_increment_nesting()
        return self

    def __exit__(self, *_: object) -> bool:
        if _core.autocast_decrement_nesting() == 0:
            _core.clear_autocast_cache()
        enabled, dtype, cache = self._before.pop()
        _core._set_autocast_enabled(self.device, enabled)
        _core._set_autocast_dtype(self.device, dtype)
        _core.set_autocast_cache_enabled(cache)
        return False

    def __call__(self, func: Any) -> Any:
        """Decorate a function: its calls run inside the context."""
        return autocast_decorator(self, func)


def _enter_autocast(*values: Any) -> autocast:
    """Enters a context that `_exit_autocast` leaves."""
    mode = autocast(*values)
    mode.__enter__()
    return mode


def _exit_autocast(mode: autocast) -> None:
    mode.__exit__(None, None, None)


def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    """The floating tensors in a value, float64 left out, in another dtype."""
    if isinstance(value, tapeless.Tensor):
        eligible = value.is_floating_point() and value.device.type == device_type and value.dtype != tapeless.float64
        return value.to(dtype) if eligible else value
    if isinstance(value, (str, bytes)):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        cast = [_cast(v, device_type, dtype) for v in value]
        return type(value)(cast) if type(value) in (list, tuple) else type(value)(*cast)
    return value


def _checked(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """Decorates the forward of a custom Function: its backward, under `custom_bwd`, sees the same autocast.

    With `cast_inputs` floating tensors arrive in that dtype and forward runs without autocast, if autocast is on.
    """
    _checked(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorate_fwd(*args: Any, **kwargs: Any) -> Any:
        ctx, on = args[0], is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if cast_inputs is None or not on:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            args = tuple(_cast(x, device_type, cast_inputs) for x in args)
            return fwd(*args, **_cast(kwargs, device_type, cast_inputs))

    return decorate_fwd


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """Decorates the backward of a custom Function, which runs with the autocast that its forward had."""
    _checked(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorate_bwd(*args: Any, **kwargs: Any) -> Any:
        ctx = args[0]
        with autocast(device_type, dtype=ctx._dtype, enabled=ctx._fwd_used_autocast):
            return bwd(*args, **kwargs)

    return decorate_bwd
