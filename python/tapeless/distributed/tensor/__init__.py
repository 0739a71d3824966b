# torch.distributed.tensor: tensors spread over processes, of which there is one.
"""Tensors spread over processes: types for isinstance, and refusals."""

from tapeless.distributed import _one
from tapeless.distributed.tensor import experimental, parallel, placement_types

globals().update(
    _one.names(
        __name__, types="DTensor Placement Shard Replicate Partial", functions="distribute_tensor distribute_module"
    )
)

__all__ = ["experimental", "parallel", "placement_types"]
