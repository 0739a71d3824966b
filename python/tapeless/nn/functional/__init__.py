# Functions of torch.nn.functional, a file for each family.
"""Activations, linear maps and losses.

A function under `@composition("gelu")` is one node of the graph, `GeluBackward0`, whose inside is
what its body records; half types are computed in float32 and rounded once; `saves` names what the
node keeps. Functions without the decorator only choose among others, and add no node of their own.
"""

from tapeless.nn.functional.activation import *  # noqa: F403
from tapeless.nn.functional.attention import *  # noqa: F403
from tapeless.nn.functional.classification import *  # noqa: F403
from tapeless.nn.functional.convolution import *  # noqa: F403
from tapeless.nn.functional.distance import *  # noqa: F403
from tapeless.nn.functional.dropout import *  # noqa: F403
from tapeless.nn.functional.embedding import *  # noqa: F403
from tapeless.nn.functional.fractional import *  # noqa: F403
from tapeless.nn.functional.linear import *  # noqa: F403
from tapeless.nn.functional.margin import *  # noqa: F403
from tapeless.nn.functional.multihead import *  # noqa: F403
from tapeless.nn.functional.normalization import *  # noqa: F403
from tapeless.nn.functional.padding import *  # noqa: F403
from tapeless.nn.functional.pointwise import *  # noqa: F403
from tapeless.nn.functional.pooling import *  # noqa: F403
from tapeless.nn.functional.resampling import *  # noqa: F403
from tapeless.nn.functional.sampling import *  # noqa: F403
from tapeless.nn.functional.sequence import *  # noqa: F403
