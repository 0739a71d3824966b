# The functional forms of the optimizers under one name.
"""`adam`, `sgd` and the others: steps on lists of parameters, gradients and state."""

from tapeless.optim._adafactor import adafactor
from tapeless.optim._muon import muon
from tapeless.optim.adadelta import adadelta
from tapeless.optim.adagrad import adagrad
from tapeless.optim.adam import adam
from tapeless.optim.adamax import adamax
from tapeless.optim.adamw import adamw
from tapeless.optim.asgd import asgd
from tapeless.optim.nadam import nadam
from tapeless.optim.radam import radam
from tapeless.optim.rmsprop import rmsprop
from tapeless.optim.rprop import rprop
from tapeless.optim.sgd import sgd

__all__ = [
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "muon",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
]
