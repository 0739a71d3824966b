# torch.backends.mkl: Intel's library of linear algebra, which is not part of this package.
"""Intel's library of linear algebra: not available; OpenBLAS serves instead."""

from tapeless import _doors

globals().update(_doors.answers("is_available", False))
