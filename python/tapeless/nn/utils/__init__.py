# torch.nn.utils: what one does with modules and their parameters from outside.
"""Clipping gradients, parameters as vectors, packed sequences, parametrizations, pruning, fusion."""

from tapeless.nn.utils import clip_grad as _clip_grad
from tapeless.nn.utils import parametrizations, parametrize, prune, rnn, stateless  # noqa: F401
from tapeless.nn.utils.clip_grad import *  # noqa: F403
from tapeless.nn.utils.convert_parameters import *  # noqa: F403
from tapeless.nn.utils.fusion import *  # noqa: F403
from tapeless.nn.utils.init import *  # noqa: F403
from tapeless.nn.utils.memory_format import *  # noqa: F403
from tapeless.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm  # noqa: F401
from tapeless.nn.utils.weight_norm import remove_weight_norm, weight_norm  # noqa: F401

_clip_grads_with_norm_ = _clip_grad.clip_grads_with_norm_
_get_total_norm = _clip_grad.get_total_norm
