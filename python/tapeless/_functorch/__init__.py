# The package `functorch`, as a program sees it where `import torch` is Tapeless.
"""The function transforms under the name of the package that had them before `torch.func`."""

from tapeless import func
from tapeless._functorch.make_functional import (
    FunctionalModule,
    FunctionalModuleWithBuffers,
    combine_state_for_ensemble,
    make_functional,
    make_functional_with_buffers,
)
from tapeless.func import *  # noqa: F403

__all__ = [
    *func.__all__,
    "FunctionalModule",
    "FunctionalModuleWithBuffers",
    "combine_state_for_ensemble",
    "make_functional",
    "make_functional_with_buffers",
]
