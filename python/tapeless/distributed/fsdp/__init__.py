# torch.distributed.fsdp: sharded modules, of which there is one.
"""Sharded modules: types for isinstance, and refusals."""

from tapeless.distributed import _one
from tapeless.distributed.fsdp import fully_sharded_data_parallel, wrap
from tapeless.distributed.fsdp.fully_sharded_data_parallel import BackwardPrefetch, ShardingStrategy, StateDictType

globals().update({name: value for name, value in vars(fully_sharded_data_parallel).items() if name[0] != "_"})
globals().update(
    _one.names(
        __name__, types="FSDPModule MixedPrecisionPolicy CPUOffloadPolicy OffloadPolicy", functions="fully_shard"
    )
)

__all__ = ["BackwardPrefetch", "ShardingStrategy", "StateDictType", "fully_sharded_data_parallel", "wrap"]
