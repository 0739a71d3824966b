# torch.cuda.amp: the older names of torch.amp, for CUDA.
"""Automatic mixed precision under its first names; each is `torch.amp`'s with "cuda" as the device."""

from tapeless.cuda.amp import autocast_mode
from tapeless.cuda.amp.autocast_mode import autocast, custom_bwd, custom_fwd

__all__ = ["autocast", "autocast_mode", "custom_bwd", "custom_fwd"]
