# torch.nn.parallel: models on several devices, of which there is one here.
"""DataParallel, which calls its module where there are no other devices, and DistributedDataParallel."""

from tapeless.nn.parallel.data_parallel import DataParallel, data_parallel
from tapeless.nn.parallel.distributed import DistributedDataParallel
from tapeless.nn.parallel.parallel_apply import parallel_apply
from tapeless.nn.parallel.replicate import replicate
from tapeless.nn.parallel.scatter_gather import gather, scatter

__all__ = [
    "DataParallel",
    "DistributedDataParallel",
    "data_parallel",
    "gather",
    "parallel_apply",
    "replicate",
    "scatter",
]
