# torch.backends.mkldnn: oneDNN, which is not part of this package.
"""oneDNN: not available; this package has kernels of its own."""

from tapeless import _doors

globals().update(_doors.answers("is_available", False))
enabled, deterministic, allow_tf32 = True, False, False
