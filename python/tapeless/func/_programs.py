# What makes functions and modules fit for transforms: no running statistics, no writes.
"""Preparations of modules and functions for `vmap`, `grad` and their like."""

from collections.abc import Callable
from typing import Any

__all__ = ["functionalize", "replace_all_batch_norm_modules_"]

_REMOVABLE = ("mutations", "mutations_and_views")


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Takes the running statistics out of every batch norm of a module, in place; returns the module.

    Under vmap these would be written with the values of a batch, which is refused. Statistics are then those of the
    input, in evaluation too.
    """
    from tapeless.nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """The function itself: PyTorch's rewrites it for tracers, with the same results, and nothing is traced here."""
    if remove not in _REMOVABLE:
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are: "
            + ", ".join(_REMOVABLE)
        )
    return func
