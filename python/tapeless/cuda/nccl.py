# torch.cuda.nccl: communication by NCCL, which is not here.
"""NCCL: not available."""

from tapeless import _doors

globals().update(_doors.answers("is_available", False))
globals().update(
    _doors.refusals(
        "version unique_id init_rank all_reduce reduce broadcast all_gather reduce_scatter",
        AssertionError,
        "Torch not compiled with CUDA enabled",
    )
)
