# torch.distributed._composable: parallel modules, of which there is one.
"""Parallel modules: types for isinstance, and refusals."""

from tapeless.distributed import _one
from tapeless.distributed._composable import fsdp

globals().update(_one.names(__name__, functions="fully_shard replicate checkpoint"))

__all__ = ["fsdp"]
