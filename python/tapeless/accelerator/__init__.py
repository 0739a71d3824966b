# torch.accelerator: the device beside the CPU, of which there is none.
"""Whatever accelerator the machine has; here there is none, and what needs one raises what PyTorch raises."""

from tapeless import _doors

globals().update(_doors.answers("is_available", False))
globals().update(_doors.answers("device_count", 0))
globals().update(_doors.answers("current_accelerator", None))
globals().update(
    _doors.refusals(
        "current_device_index current_device_idx current_stream set_device_index set_device_idx set_stream synchronize "
        "empty_cache memory_allocated memory_reserved max_memory_allocated max_memory_reserved memory_stats "
        "get_memory_info reset_peak_memory_stats reset_accumulated_memory_stats get_device_capability device_index",
        RuntimeError,
        "Cannot access accelerator device when none is available.",
    )
)
