# torch.backends.cuda: the switches of CUDA's libraries, which are not here.
"""CUDA's libraries: not built in. The switches keep what is written into them; attention has one way, the exact one."""

import contextlib
import enum
from collections.abc import Iterator
from typing import Any

from tapeless import _doors

globals().update(
    _doors.answers(
        "is_built is_flash_attention_available is_ck_sdpa_available can_use_flash_attention "
        "can_use_efficient_attention can_use_cudnn_attention",
        False,
    )
)


class SDPBackend(enum.IntEnum):
    """A kernel of attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


class cuBLASModule:
    """How exactly CUDA multiplies matrices."""

    def __init__(self) -> None:
        vars(self).update(
            allow_tf32=False,
            allow_fp16_reduced_precision_reduction=True,
            allow_bf16_reduced_precision_reduction=True,
            allow_fp16_accumulation=False,
            fp32_precision="none",
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in vars(self):
            raise AttributeError("Unknown attribute " + name)
        vars(self)[name] = value


matmul = cuBLASModule()
SDPAParams = _doors.kind("SDPAParams", "torch.backends.cuda", "it describes a choice among CUDA's kernels")

_attention = {"flash": True, "math": True, "mem_efficient": True, "cudnn": True}


def _switch(name: str) -> None:
    def enabled() -> bool:
        return _attention[name]

    def enable(enabled: bool) -> None:
        _attention[name] = bool(enabled)

    enabled.__name__, enable.__name__ = name + "_sdp_enabled", f"enable_{name}_sdp"
    enabled.__doc__ = f"What {enable.__name__} was last told; nothing depends on it here."
    enable.__doc__ = "Kept for whoever asks; nothing depends on it here."
    globals().update({enabled.__name__: enabled, enable.__name__: enable})


for _name in _attention:
    _switch(_name)


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[None]:
    """Sets all of the switches of attention within it."""
    before = dict(_attention)
    _attention.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield
    finally:
        _attention.update(before)


def preferred_linalg_library(backend: Any = None) -> str:
    """The library for decompositions; there is one."""
    return "default"
