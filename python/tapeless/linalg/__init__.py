# The namespace tapeless.linalg: linear algebra, a file for each family.
"""Linear algebra on matrices and batches of them."""

from tapeless.linalg.norms import *  # noqa: F403
from tapeless.linalg.products import *  # noqa: F403
