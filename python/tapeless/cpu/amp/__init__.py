# torch.cpu.amp: the older names of torch.amp, for the CPU.
"""Automatic mixed precision under its first names; each is `torch.amp`'s with "cpu" as the device."""

from tapeless.cpu.amp import autocast_mode, grad_scaler
from tapeless.cpu.amp.autocast_mode import autocast
from tapeless.cpu.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "autocast_mode", "grad_scaler"]
