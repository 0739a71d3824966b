# torch.cuda, where there is no CUDA device: answers, and PyTorch's own errors.
"""CUDA devices, of which there are none: `is_available()` is False, and what needs one raises what PyTorch raises."""

from tapeless import _absent_device, _doors
from tapeless._errors import AcceleratorError, OutOfMemoryError  # noqa: F401

globals().update(_absent_device.functions("cuda"))
globals().update(
    _doors.refusals("cudart _sleep _compile_kernel", AssertionError, "Torch not compiled with CUDA enabled")
)
CudaError = AcceleratorError
CUDAGraph = graph = _doors.kind("CUDAGraph", "torch.cuda", "Torch not compiled with CUDA enabled", AssertionError)
has_half, has_magma = True, False

from tapeless.cuda import comm, memory, nccl, nvtx, random, sparse, streams  # noqa: E402, F401
