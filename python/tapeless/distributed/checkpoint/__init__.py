# torch.distributed.checkpoint: checkpoints of several processes, of which there is one.
"""Checkpoints of several processes: types for isinstance, and refusals."""

from tapeless.distributed import _one
from tapeless.distributed.checkpoint import default_planner, state_dict

globals().update(
    _one.names(
        __name__,
        types="FileSystemReader FileSystemWriter StorageReader StorageWriter",
        functions="load save load_state_dict save_state_dict async_save",
    )
)

__all__ = ["default_planner", "state_dict"]
