# Training in several processes needs a process group, and there is none here.
"""DistributedDataParallel."""

from typing import Any

from tapeless.nn.modules.module import Module

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """For `isinstance`; making one raises what PyTorch raises before a process group has been set up."""

    def __init__(self, module: Any, device_ids: Any = None, output_device: Any = None, **kwargs: Any) -> None:
        super().__init__()
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
