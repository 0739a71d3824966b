# torch.backends.mps: Apple's GPUs, which are not here.
"""Metal: neither built in nor available."""

from tapeless import _doors

globals().update(_doors.answers("is_available is_built is_macos_or_newer is_macos13_or_newer", False))
