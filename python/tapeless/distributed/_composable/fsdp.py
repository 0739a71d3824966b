# torch.distributed._composable.fsdp: sharded modules, of which there is one.
"""Sharded modules: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, types="FSDPModule MixedPrecisionPolicy", functions="fully_shard"))
