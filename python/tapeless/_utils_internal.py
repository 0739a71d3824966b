# torch._utils_internal: hooks of PyTorch's owners, with nothing on them.
"""Functions that packages call by name and that do nothing."""

from tapeless import _doors

globals().update(_doors.answers("log_export_usage throw_abstract_impl_not_imported_error", None))
globals().update(_doors.answers("justknobs_check", True))
globals().update(_doors.answers("is_fb_unit_test", False))
