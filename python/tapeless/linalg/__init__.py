# The namespace tapeless.linalg: linear algebra, a file for each family.
"""Linear algebra on matrices and batches of them."""

from tapeless.linalg.norms import *  # noqa: F403
