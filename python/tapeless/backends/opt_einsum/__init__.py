# torch.backends.opt_einsum: whether `einsum` looks for a good order of its products.
"""`einsum` multiplies its operands from left to right here; the switches keep what is written into them."""

from tapeless import _doors

enabled, strategy = False, None
globals().update(_doors.answers("is_available", False))
globals().update(_doors.answers("get_opt_einsum", None))
