# torch.distributed.fsdp.fully_sharded_data_parallel: names of torch.distributed.fsdp under PyTorch's module.
"""Sharded modules: types for isinstance, and the constants of their settings."""

import enum

from tapeless.distributed import _one


class ShardingStrategy(enum.Enum):
    """What is sharded."""

    FULL_SHARD = 1
    SHARD_GRAD_OP = 2
    NO_SHARD = 3
    HYBRID_SHARD = 4
    _HYBRID_SHARD_ZERO2 = 5


class BackwardPrefetch(enum.Enum):
    """When parameters are gathered for backward."""

    BACKWARD_PRE = 1
    BACKWARD_POST = 2


class StateDictType(enum.Enum):
    """How a state_dict of a sharded module looks."""

    FULL_STATE_DICT = 1
    LOCAL_STATE_DICT = 2
    SHARDED_STATE_DICT = 3


globals().update(
    _one.names(
        __name__,
        types="FullyShardedDataParallel MixedPrecision CPUOffload FullStateDictConfig LocalStateDictConfig "
        "ShardedStateDictConfig FullOptimStateDictConfig",
    )
)
