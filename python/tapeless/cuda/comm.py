# torch.cuda.comm: copies between CUDA devices, of which there are none.
"""Communication between CUDA devices; each function raises."""

from tapeless import _doors

globals().update(
    _doors.refusals(
        "broadcast broadcast_coalesced reduce_add reduce_add_coalesced scatter gather",
        AssertionError,
        "Torch not compiled with CUDA enabled",
    )
)
