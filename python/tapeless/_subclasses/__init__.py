# torch._subclasses: tensors without data for tracers, of which there are none.
"""Types for isinstance; tensors without data are `device="meta"`."""

from tapeless._subclasses import fake_tensor
from tapeless._subclasses.fake_tensor import FakeTensor, FakeTensorMode

__all__ = ["FakeTensor", "FakeTensorMode", "fake_tensor"]
