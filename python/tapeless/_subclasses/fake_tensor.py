# torch._subclasses.fake_tensor: tensors without data for tracers, of which there are none.
"""Types for isinstance, and the question whether a value is one: no."""

from tapeless import _doors

globals().update(_doors.answers("is_fake", False))
globals().update(
    _doors.kinds(
        "FakeTensor FakeTensorMode",
        __name__,
        '{}: functions are not traced here; use device="meta" for tensors without data',
    )
)
