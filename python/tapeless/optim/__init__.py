# Optimizers, a file for each; their learning rates' schedules and averages of weights.
"""PyTorch's optimizers.

All take parameters, (name, parameter) pairs or groups, and have `step`, `zero_grad`, `state_dict` and
`load_state_dict`; checkpoints are interchangeable with PyTorch's. `foreach`, `fused` and `capturable` are accepted and
change nothing.
"""

from tapeless.optim import lr_scheduler, swa_utils
from tapeless.optim._adafactor import Adafactor
from tapeless.optim._muon import Muon
from tapeless.optim._stateless import swap_in_optimizer_params_and_state
from tapeless.optim.adadelta import Adadelta
from tapeless.optim.adagrad import Adagrad
from tapeless.optim.adam import Adam
from tapeless.optim.adamax import Adamax
from tapeless.optim.adamw import AdamW
from tapeless.optim.asgd import ASGD
from tapeless.optim.lbfgs import LBFGS
from tapeless.optim.nadam import NAdam
from tapeless.optim.optimizer import Optimizer
from tapeless.optim.radam import RAdam
from tapeless.optim.rmsprop import RMSprop
from tapeless.optim.rprop import Rprop
from tapeless.optim.sgd import SGD
from tapeless.optim.sparse_adam import SparseAdam

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
    "swap_in_optimizer_params_and_state",
]
