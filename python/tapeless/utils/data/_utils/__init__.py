# What loaders are made of: putting samples together, fetching them, worker processes.
"""The parts of DataLoader, under PyTorch's names."""

from tapeless._utils import ExceptionWrapper
from tapeless.utils.data._utils import collate, fetch, pin_memory, worker

MP_STATUS_CHECK_INTERVAL = worker.MP_STATUS_CHECK_INTERVAL

__all__ = ["MP_STATUS_CHECK_INTERVAL", "ExceptionWrapper", "collate", "fetch", "pin_memory", "worker"]
