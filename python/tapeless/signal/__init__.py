# Signal processing, as torch.signal.
"""Windows."""

from tapeless.signal import windows

__all__ = ["windows"]
