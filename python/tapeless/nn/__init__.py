# torch.nn: for now its functions; modules follow.
"""Functions of neural networks."""

from tapeless.nn import functional

__all__ = ["functional"]
