# torch._inductor: settings of PyTorch's code generator, which is not here.
"""Settings that programs write, and refusals for what needs generated code."""

from tapeless import _doors
from tapeless._inductor import config, utils
from tapeless.compiler import cudagraph_mark_step_begin

globals().update(
    _doors.refusals(
        "aoti_compile_and_package aoti_load_package compile compile_fx",
        RuntimeError,
        "torch._inductor.{}: torch.export and its packages are out of scope; call the module itself",
    )
)
__all__ = ["config", "cudagraph_mark_step_begin", "utils"]
