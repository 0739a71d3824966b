# The namespace tapeless.amp: automatic mixed precision.
"""Contexts in which operations choose their precision, and the scaling of gradients of low precision."""

import importlib.util as _util

from tapeless.amp.autocast_mode import (
    autocast,
    custom_bwd,
    custom_fwd,
    is_autocast_available,
)

__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

if _util.find_spec("tapeless.amp.grad_scaler"):
    from tapeless.amp.grad_scaler import GradScaler

    __all__ += ["GradScaler"]
