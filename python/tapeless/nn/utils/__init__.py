# torch.nn.utils: gradients' norms, parameters as a vector, sequences of unequal length.
"""Helpers around modules and their parameters. Each file lists what it offers here in `__all__`."""

from tapeless.nn.utils import rnn
from tapeless.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from tapeless.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]
