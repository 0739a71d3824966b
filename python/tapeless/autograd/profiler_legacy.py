# torch.autograd.profiler_legacy: an older name of torch.autograd.profiler.
"""`profile` under its older module."""

from tapeless.autograd.profiler import profile

__all__ = ["profile"]
