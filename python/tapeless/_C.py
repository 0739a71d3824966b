# torch._C: the handful of names in PyTorch's compiled part that programs use.
"""Types that live there, questions with their answers, and switches of what is not here."""

from types import SimpleNamespace
from typing import Any

import tapeless
from tapeless import Generator, Size, Tensor, _doors, device, dtype, layout, memory_format  # noqa: F401
from tapeless.overrides import DisableTorchFunctionSubclass, _disabled_torch_function_impl  # noqa: F401

TensorBase = _TensorBase = Tensor
_TensorMeta = type(Tensor)
_LinAlgError = tapeless.linalg.LinAlgError

globals().update(
    _doors.answers("_get_tracing_state _log_api_usage_once _log_api_usage_metadata _jit_set_nvfuser_enabled", None)
)
globals().update(
    _doors.answers("_jit_set_profiling_executor _jit_set_profiling_mode _jit_set_texpr_fuser_enabled", None)
)
globals().update(_doors.answers("_jit_override_can_fuse_on_gpu _jit_override_can_fuse_on_cpu", None))
globals().update(_doors.answers("_jit_set_nvfuser_guard_mode _set_cudnn_enabled", None))
globals().update(_doors.answers("_jit_can_fuse_on_cpu _jit_can_fuse_on_gpu _is_tracing _cuda_isInBadFork", False))
globals().update(_doors.answers("_get_cudnn_enabled", True))
globals().update(_doors.answers("_get_default_device", "cpu"))
globals().update(_doors.answers("_get_privateuse1_backend_name", "privateuseone"))
globals().update(
    _doors.kinds("DispatchKey DispatchKeySet ScriptFunction ScriptObject Node Graph Value", __name__, "torch._C.{}")
)
_functorch = SimpleNamespace(
    **_doors.answers("is_batchedtensor is_gradtrackingtensor is_functorch_wrapped_tensor", False)
)
_profiler = SimpleNamespace(**_doors.answers("_set_cuda_sync_enabled_val", None))


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """What `Tensor.to` was asked for: device, dtype, whether it may return early, memory format."""
    wanted: list[Any] = [kwargs.get("device"), kwargs.get("dtype"), kwargs.get("non_blocking", False)]
    for value in args:
        if isinstance(value, Tensor):
            wanted[:2] = value.device, value.dtype
        elif isinstance(value, dtype):
            wanted[1] = value
        elif isinstance(value, bool):
            wanted[2] = wanted[2] or value
        elif value is not None:
            wanted[0] = value
    place = None if wanted[0] is None else device(wanted[0])
    return place, wanted[1], wanted[2], kwargs.get("memory_format")


_nn = SimpleNamespace(_parse_to=_parse_to)
