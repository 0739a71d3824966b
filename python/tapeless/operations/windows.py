# The older functions for windows: periodic by default, with the length first.
"""hann_window and its relatives; torch.signal.windows has the newer ones."""

from __future__ import annotations

from typing import Any

from tapeless import _core
from tapeless.signal import windows

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]
METHODS = ()


def _of(window: Any, window_length: int, periodic: bool, options: dict[str, Any], **facts: Any) -> _core.Tensor:
    if window_length < 0:
        raise RuntimeError(f"window requires non-negative window_length, got window_length={window_length}")
    options.pop("pin_memory", None)
    return window(window_length, sym=not periodic, **facts, **options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> _core.Tensor:
    """A triangle that is 0 at both ends. No derivative."""
    return _of(windows.bartlett, window_length, periodic, options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> _core.Tensor:
    """0.42 - 0.5 cos x + 0.08 cos 2x. No derivative."""
    return _of(windows.blackman, window_length, periodic, options)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> _core.Tensor:
    """0.5 - 0.5 cos x. No derivative."""
    return _of(windows.hann, window_length, periodic, options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> _core.Tensor:
    """alpha - beta cos x. No derivative."""
    return _of(windows.general_cosine, window_length, periodic, options, a=[alpha, beta])


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> _core.Tensor:
    """i0(sqrt(beta**2 - x**2)) / i0(beta), x from -beta to beta. No derivative."""
    return _of(windows.kaiser, window_length, periodic, options, beta=beta)
