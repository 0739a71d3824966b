# What moves tensors between devices; without a second device each says so.
"""Broadcast, Gather and Scatter."""

from typing import Any

from tapeless.autograd import Function

__all__ = ["Broadcast", "Gather", "Scatter"]


class Broadcast(Function):
    """Copies of tensors on several devices."""

    @staticmethod
    def forward(ctx: Any, target_gpus: Any, *inputs: Any) -> Any:
        """Refuses: tensors are on the CPU."""
        raise AssertionError("Broadcast function not implemented for CPU tensors")


class Gather(Function):
    """Tensors of several devices joined on one."""

    @staticmethod
    def forward(ctx: Any, target_device: Any, dim: int, *inputs: Any) -> Any:
        """Refuses: tensors are on the CPU."""
        raise AssertionError("Gather function not implemented for CPU tensors")


class Scatter(Function):
    """Parts of a tensor on several devices."""

    @staticmethod
    def forward(ctx: Any, target_gpus: Any, chunk_sizes: Any, dim: int, input: Any) -> Any:
        """Refuses: there is no device but the CPU."""
        raise RuntimeError(f"Cannot access accelerator device when none is available: scatter to {target_gpus}")
