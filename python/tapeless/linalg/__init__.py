# The namespace tapeless.linalg: linear algebra, a file for each family.
"""Linear algebra on matrices and batches of them."""

from tapeless import _core
from tapeless.linalg.decompositions import *  # noqa: F403
from tapeless.linalg.factors import *  # noqa: F403
from tapeless.linalg.norms import *  # noqa: F403
from tapeless.linalg.products import *  # noqa: F403
from tapeless.linalg.solutions import *  # noqa: F403

LinAlgError = _core.LinAlgError

# Functions of the core that need nothing around them are called linalg_NAME there.
_PREFIX = "linalg_"
for _name, _function in _core.functions.items():
    if _name.startswith(_PREFIX):
        globals().setdefault(_name.removeprefix(_PREFIX), _function)
