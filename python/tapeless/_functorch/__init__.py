# The package `functorch`, as a program sees it where `import torch` is Tapeless.
"""The function transforms under the name of the package that had them before `torch.func`."""

from tapeless import func
from tapeless.func import *  # noqa: F403

__all__ = func.__all__
