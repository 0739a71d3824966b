# Assertions about tensors, and tensors to test with, as torch.testing.
"""assert_close, its older form assert_allclose, and make_tensor."""

from tapeless.testing._comparison import assert_allclose, assert_close
from tapeless.testing._creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
