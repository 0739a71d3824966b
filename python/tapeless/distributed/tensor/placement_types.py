# torch.distributed.tensor.placement_types: how a tensor is spread, of which there is one.
"""How a tensor is spread: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, types="Placement Shard Replicate Partial _StridedShard"))
