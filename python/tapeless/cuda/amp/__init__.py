# torch.cuda.amp: the older names of torch.amp, for CUDA.
"""Automatic mixed precision under its first names; each is `torch.amp`'s with "cuda" as the device."""

from tapeless.cuda.amp import autocast_mode, grad_scaler
from tapeless.cuda.amp.autocast_mode import autocast, custom_bwd, custom_fwd
from tapeless.cuda.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "autocast_mode", "custom_bwd", "custom_fwd", "grad_scaler"]
