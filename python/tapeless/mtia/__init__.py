# torch.mtia, where there is no such device.
"""Meta's accelerators, of which there are none: `is_available()` is False."""

from tapeless import _doors

globals().update(_doors.answers("is_available is_initialized", False))
globals().update(_doors.answers("device_count", 0))
globals().update(_doors.answers("manual_seed manual_seed_all", None))
globals().update(
    _doors.refusals(
        "current_device current_stream synchronize empty_cache set_device",
        RuntimeError,
        "Cannot execute {}() without MTIA backend.",
    )
)
