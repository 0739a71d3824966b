# torch._C: the handful of names in PyTorch's compiled part that programs use.
"""Types that live there, questions with their answers, and switches of what is not here."""

import enum
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
globals().update(_doors.kinds("ScriptFunction ScriptObject Node Graph Value", __name__, "torch._C.{}"))
_functorch = SimpleNamespace(
    **_doors.answers("is_batchedtensor is_gradtrackingtensor is_functorch_wrapped_tensor", False)
)
_profiler = SimpleNamespace(**_doors.answers("_set_cuda_sync_enabled_val", None))
_nn = SimpleNamespace(_parse_to=tapeless._nn._parse_to)

DispatchKey = enum.Enum(
    "DispatchKey",
    "Undefined CPU CUDA XPU MPS Meta AutogradCPU AutogradCUDA AutogradXPU Autograd AutocastCPU AutocastCUDA "
    "AutocastXPU CompositeImplicitAutograd CompositeExplicitAutograd ADInplaceOrView BackendSelect Functionalize",
    module=__name__,
)


class DispatchKeySet(frozenset):
    """Some of PyTorch's dispatch keys; nothing is dispatched by them here."""

    def __new__(cls, key: Any = ()) -> Any:  # noqa: D102
        return frozenset.__new__(cls, [key] if isinstance(key, DispatchKey) else key)

    def __or__(self, other: Any) -> Any:
        return DispatchKeySet(frozenset(self) | frozenset(other))

    def has(self, key: Any) -> bool:
        """Whether the key is one of them."""
        return key in self
