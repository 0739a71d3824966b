# torch.distributed.optim: optimizers across processes, of which there is one.
"""Optimizers across processes: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(
    _one.names(__name__, types="DistributedOptimizer ZeroRedundancyOptimizer", functions="_apply_optimizer_in_backward")
)
