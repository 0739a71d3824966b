# Windows of signal processing, as torch.signal.windows.
"""Weights for M samples, largest in the middle. sym=False makes them periodic: the first M of M + 1 symmetric ones.

Each takes M >= 0 and gives a vector of M values in a floating point dtype. F. J. Harris, On the use of windows for
harmonic analysis with the discrete Fourier transform, Proc. IEEE 66, 1978. No derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import tapeless

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _window(name: str, M: int, options: dict[str, Any], values: Callable[[Any], Any]) -> Any:
    """The checks and the two trivial lengths that all windows share; `values` gets a linspace to fill."""
    layout, dtype = options.pop("layout", None), options.get("dtype")
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout not in (None, tapeless.strided):
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    dtype = tapeless.get_default_dtype() if dtype is None else dtype
    if dtype not in (tapeless.float32, tapeless.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    requires_grad = options.pop("requires_grad", False)
    options["dtype"] = dtype
    if M < 2:
        return tapeless.ones((M,), requires_grad=requires_grad, **options)

    def spread(start: float, end: float) -> Any:
        return tapeless.linspace(start, end, M, **options)

    with tapeless.no_grad():
        out = values(spread)
    return out.requires_grad_(requires_grad)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Any:
    """A triangle that is 0 at both ends: 1 - |2 n / (M - 1) - 1|."""
    step = 2.0 / (M - 1 if sym else M) if M > 1 else 0.0
    return _window("bartlett", M, options, lambda spread: 1 - spread(-1.0, -1.0 + (M - 1) * step).abs())


def cosine(M: int, *, sym: bool = True, **options: Any) -> Any:
    """Half a period of a sine, sampled between its zeros: sin(pi (n + 1/2) / M)."""
    step = math.pi / (M if sym else M + 1) if M > 1 else 0.0
    return _window("cosine", M, options, lambda spread: spread(0.5 * step, (M - 0.5) * step).sin())


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any) -> Any:
    """exp(-|n - center| / tau); only the periodic form may have a center of its own."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = (M if not sym and M > 1 else M - 1) / 2.0 if center is None else center
    ends = (-middle / tau, (-middle + (M - 1)) / tau)
    return _window("exponential", M, options, lambda spread: (-spread(*ends).abs()).exp())


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Any:
    """exp(-(n - middle)**2 / (2 std**2))."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    start, scale = -(M if not sym and M > 1 else M - 1) / 2.0, 1.0 / (std * math.sqrt(2.0))
    ends = (start * scale, (start + (M - 1)) * scale)
    return _window("gaussian", M, options, lambda spread: (-(spread(*ends) ** 2)).exp())


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Any:
    """A sum of cosines with alternating signs: a[0] - a[1] cos x + a[2] cos 2x - ..., x = 2 pi n / (M - 1)."""
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    weights = list(a)
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    step = 2.0 * math.pi / (M - 1 if sym else M) if M > 1 else 0.0

    def values(spread: Any) -> Any:
        x = spread(0.0, (M - 1) * step)
        signed = tapeless.tensor([(-1) ** k * w for k, w in enumerate(weights)], dtype=x.dtype)
        orders = tapeless.arange(len(weights), dtype=x.dtype)
        return (signed.unsqueeze(-1) * (orders.unsqueeze(-1) * x).cos()).sum(0)

    return _window("general_cosine", M, options, values)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Any:
    """alpha - (1 - alpha) cos x."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Any:
    """general_hamming with alpha = 0.54."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Any:
    """general_hamming with alpha = 0.5: the square of a sine."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Any:
    """general_cosine with 0.42, 0.5 and 0.08."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Any:
    """The minimum 4-term Blackman-Harris window by A. Nuttall, IEEE Trans. ASSP 29, 1981."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, **options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Any:
    """i0(sqrt(beta**2 - x**2)) / i0(beta), x from -beta to beta."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    step = 2.0 * beta / (M - 1 if sym else M) if M > 1 else 0.0

    def values(spread: Any) -> Any:
        x = spread(-beta, min(beta, -beta + (M - 1) * step))
        return tapeless.i0((beta * beta - x**2).sqrt()) / tapeless.i0(tapeless.tensor(beta, dtype=x.dtype))

    return _window("kaiser", M, options, values)
