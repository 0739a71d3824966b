# The namespace tapeless.amp: automatic mixed precision.
"""Contexts in which operations choose their precision, and the scaling of gradients of low precision."""

from tapeless.amp.autocast_mode import (
    autocast,
    custom_bwd,
    custom_fwd,
    is_autocast_available,
)
from tapeless.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
