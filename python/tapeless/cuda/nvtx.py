# torch.cuda.nvtx: marks for NVIDIA's profilers, which need a build with CUDA.
"""NVTX ranges; each function raises what PyTorch raises without CUDA."""

from tapeless import _doors

globals().update(
    _doors.refusals(
        "range_push range_pop range_start range_end mark range",
        RuntimeError,
        "NVTX functions not installed. Are you sure you have a CUDA build?",
    )
)
