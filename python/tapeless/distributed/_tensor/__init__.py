# torch.distributed._tensor: an older name of torch.distributed.tensor, of which there is one.
"""An older name of torch.distributed.tensor: types for isinstance, and refusals."""

from tapeless.distributed import _one
from tapeless.distributed._tensor import experimental

globals().update(_one.names(__name__, types="DTensor Shard Replicate", functions="distribute_tensor"))

__all__ = ["experimental"]
