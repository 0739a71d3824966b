# Schedules of learning rates.
"""How learning rates change from epoch to epoch: PyTorch's schedulers."""

from tapeless.optim.lr_scheduler.base import (
    EPOCH_DEPRECATION_WARNING,
    LRScheduler,
    _enable_get_lr_call,
    _format_param,
    _initial_mode,
    _LRScheduler,
    _param_groups_val_list,
    _update_param_group_val,
    _warn_get_lr_called_within_step,
)
from tapeless.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from tapeless.optim.lr_scheduler.cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from tapeless.optim.lr_scheduler.decays import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from tapeless.optim.lr_scheduler.plateau import ReduceLROnPlateau
from tapeless.optim.optimizer import Optimizer

__all__ = [
    "EPOCH_DEPRECATION_WARNING",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "Optimizer",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
    "_enable_get_lr_call",
    "_format_param",
    "_initial_mode",
    "_param_groups_val_list",
    "_update_param_group_val",
    "_warn_get_lr_called_within_step",
]

# Pickles and reprs name this path, as PyTorch's do, not the file.
for _class in [c for c in globals().values() if isinstance(c, type) and c.__module__.startswith(__name__ + ".")]:
    _class.__module__ = __name__
