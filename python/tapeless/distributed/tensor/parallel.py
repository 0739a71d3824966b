# torch.distributed.tensor.parallel: layers spread over processes, of which there is one.
"""Layers spread over processes: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(
    _one.names(
        __name__,
        types="ParallelStyle ColwiseParallel RowwiseParallel SequenceParallel PrepareModuleInput PrepareModuleOutput",
        functions="parallelize_module loss_parallel",
    )
)
