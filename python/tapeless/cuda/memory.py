# torch.cuda.memory: names of torch.cuda under the module that PyTorch has them in.
"""Memory of CUDA devices."""

from tapeless.cuda import (
    MemPool,
    OutOfMemoryError,
    empty_cache,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    memory_snapshot,
    memory_stats,
    memory_summary,
    reset_peak_memory_stats,
)

__all__ = [
    "empty_cache",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "memory_summary",
    "memory_snapshot",
    "reset_peak_memory_stats",
    "MemPool",
    "OutOfMemoryError",
]
