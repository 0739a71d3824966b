# torch.mps, where there is no such device: answers, and PyTorch's own errors.
"""Apple's GPUs, of which there are none: `is_available()` is False, and what needs one raises what PyTorch raises."""

from tapeless import _doors

globals().update(_doors.answers("is_available", False))
globals().update(_doors.answers("device_count", 0))
globals().update(_doors.answers("manual_seed", None))
globals().update(
    _doors.refusals(
        "synchronize empty_cache current_allocated_memory driver_allocated_memory recommended_max_memory seed "
        "get_rng_state set_rng_state set_per_process_memory_fraction compile_shader",
        RuntimeError,
        "Cannot execute {}() without MPS backend.",
    )
)
Event = _doors.kind("Event", "torch.mps", "Cannot execute acquireEvent() without MPS backend.")
