# Short-time Fourier transforms: a signal in windows, each transformed, and the signal back from them.
"""`stft` and `istft` (Allen and Rabiner 1977; the inverse by Griffin and Lim 1984)."""

import warnings
from typing import Any

import tapeless
from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import autocasts

__all__ = ["istft", "stft"]
METHODS = ("istft", "stft")

_f = _core.functions


def _called(name: str, input: Tensor, **arguments: Any) -> str:
    """The call as PyTorch's messages begin."""
    shape = ", ".join(map(str, input.shape))
    given = ", ".join(f"{key}={str(value)}" for key, value in arguments.items())
    return f"{name}({input.type()}[{shape}], {given})"


def _frame(window: Tensor | None, length: int, n_fft: int, like: Tensor) -> Tensor | None:
    """The window with zeros on both sides up to n_fft."""
    if length == n_fft:
        return window
    left = (n_fft - length) // 2
    whole = tapeless.zeros(n_fft, dtype=like.dtype if window is None else window.dtype)
    whole[left : left + length] = 1.0 if window is None else window
    return whole


def _centred(input: Tensor, n_fft: int, mode: str) -> Tensor:
    rank, pad = input.dim(), n_fft // 2
    padded = tapeless.nn.functional.pad(input.view([1] * (3 - rank) + list(input.shape)), [pad, pad], mode)
    return padded.view(padded.shape[-rank:])


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Transforms of n_fft numbers, hop_length apart, of signals [length] or [batch, length]: [..., bins, frames].

    With center the frames lie around their places, and the signal is padded. Derivative: that of its parts.
    """
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false.")
        if input.dim() in (1, 2):
            input = _centred(input, n_fft, pad_mode)
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    return _transform(input, n_fft, hop, length, window, normalized, onesided, return_complex)


@autocasts("float32")
def _transform(
    input: Tensor, n_fft: int, hop: int, length: int, window: Any, normalized: bool, onesided: Any, complex_wanted: Any
) -> Tensor:
    _check_signal(input, n_fft, hop, length, window)
    is_complex = input.is_complex() or (window is not None and window.is_complex())
    _check_result(is_complex, complex_wanted, onesided)
    if window is None:
        warnings.warn(
            "A window was not provided. A rectangular window will be applied,which is known to cause spectral leakage. "
            "Other windows such as torch.hann_window or torch.hamming_window are recommended to reduce spectral "
            "leakage.To suppress this warning and use a rectangular window, explicitly set "
            "`window=torch.ones(n_fft, device=<device>)`.",
            stacklevel=3,
        )
    alone = input.dim() == 1
    signals = input.unsqueeze(0) if alone else input
    count = 1 + (signals.shape[1] - n_fft) // hop
    batch, step = signals.stride()
    frames = signals.as_strided((signals.shape[0], count, n_fft), (batch, hop * step, step))
    weights = _frame(window, length, n_fft, input)
    frames = frames if weights is None else frames * weights
    half = not is_complex if onesided is None else onesided
    if is_complex:
        out = _f["_fft_c2c"](frames, (2,), int(normalized), True)
    else:
        out = _f["_fft_r2c"](frames, (2,), int(normalized), half)
    out.transpose_(1, 2)
    if alone:
        out.squeeze_(0)
    return out if complex_wanted or complex_wanted is None else tapeless.view_as_real(out)


def _check_signal(input: Tensor, n_fft: int, hop: int, length: int, window: Any) -> None:
    start = _called("stft", input, n_fft=n_fft, hop_length=hop, win_length=length)
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(f"{start}: expected a tensor of floating point or complex values")
    if input.dim() not in (1, 2):
        raise RuntimeError(f"{start}: expected a 1D or 2D tensor")
    size = input.shape[-1]
    if not 0 < n_fft <= size:
        raise RuntimeError(f"{start}: expected 0 < n_fft < {size}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{start}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{start}: expected 0 < win_length <= n_fft, but got win_length={length}")
    if window is not None and (window.dim() != 1 or window.shape[0] != length):
        raise RuntimeError(
            f"{start}: expected a 1D window tensor of size equal to win_length={length}, but got window with size "
            f"{list(window.shape)}"
        )


def _check_result(is_complex: bool, wanted: Any, onesided: Any) -> None:
    if is_complex and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if wanted is None and not is_complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    if wanted is False:
        warnings.warn(
            "stft with return_complex=False is deprecated. In a future pytorch release, stft will return complex "
            "tensors for all inputs, and return_complex=False will raise an error.\n"
            "Note: you can still call torch.view_as_real on the complex output to recover the old return format.",
            stacklevel=4,
        )


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal of the least squared distance whose `stft` that is: frames added up and divided by their windows.

    Derivative: that of its parts.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    span = n_fft if win_length is None else win_length
    _check_frames(input, n_fft, hop, span, window, onesided, return_complex)
    alone = input.dim() == 2
    spectra = (input.unsqueeze(0) if alone else input).transpose(1, 2)
    frames = _signals(spectra, n_fft, normalized, onesided, return_complex)
    real = tapeless.float32 if input.dtype is tapeless.complex64 else tapeless.float64
    weights = _frame(window, span, n_fft, tapeless.empty(0, dtype=real))
    weights = tapeless.ones(n_fft, dtype=real) if weights is None else weights
    total = n_fft + hop * (spectra.shape[1] - 1)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - (n_fft // 2 if center else 0)
    signal = _added(frames * weights, hop, total)[:, start:end]
    envelope = _added((weights * weights).expand(1, spectra.shape[1], n_fft), hop, total)[:, start:end]
    if envelope.abs().min().item() <= 1e-11:
        raise RuntimeError("window overlap add min: 1" if window is None else "window overlap add min: 0")
    signal = signal / envelope
    signal = signal.squeeze(0) if alone else signal
    if length is not None and length > total - start:
        warnings.warn(
            f"The length of signal is shorter than the length parameter. Result is being padded with zeros in the "
            f"tail. Please check your center and hop_length settings. (length {length})",
            stacklevel=2,
        )
        signal = tapeless.constant_pad_nd(signal, (0, length - signal.shape[-1]))
    return signal


def _signals(spectra: Tensor, n_fft: int, normalized: bool, onesided: Any, complex_wanted: bool) -> Tensor:
    """The inverse transform of each frame."""
    divisor = 1 if normalized else 2
    if complex_wanted:
        return _f["_fft_c2c"](spectra, (2,), divisor, False)
    whole = onesided is False or (onesided is None and spectra.shape[2] == n_fft and n_fft // 2 + 1 != n_fft)
    half = spectra.narrow(2, 0, n_fft // 2 + 1) if whole else spectra
    return _f["_fft_c2r"](half, (2,), divisor, n_fft)


def _added(frames: Tensor, hop: int, total: int) -> Tensor:
    """Frames [batch, count, size] added up at every hop-th place of signals [batch, total]."""
    batch, count, size = frames.shape
    places = tapeless.arange(count).unsqueeze(1) * hop + tapeless.arange(size)
    signal = tapeless.zeros(batch, total, dtype=frames.dtype)
    return signal.index_add(1, places.reshape(-1), frames.reshape(batch, count * size))


def _check_frames(
    input: Tensor, n_fft: int, hop: int, span: int, window: Any, onesided: Any, complex_wanted: bool
) -> None:
    start = _called("istft", input, n_fft=n_fft, hop_length=hop, win_length=span)
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if input.numel() == 0:
        raise RuntimeError(f"{start}: input tensor cannot be empty.")
    if input.dim() not in (2, 3):
        raise RuntimeError(f"{start}: expected a tensor with 3 dimensions or 2 dimensions, but got {input.dim() + 1}")
    bins = input.shape[-2]
    half = n_fft != bins if onesided is None else onesided
    if half and n_fft // 2 + 1 != bins:
        raise RuntimeError(
            f"{start}: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / 2 + 1 "
            f"when onesided=True, but got {bins}"
        )
    if not half and n_fft != bins:
        raise RuntimeError(
            f"{start}: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft when "
            f"onesided=False, but got {bins}"
        )
    if not 0 < hop <= span:
        raise RuntimeError(f"{start}: expected 0 < hop_length <= win_length")
    if not 0 < span <= n_fft:
        raise RuntimeError(f"{start}: expected 0 < win_length <= n_fft")
    if window is not None and (window.dim() != 1 or window.shape[0] != span):
        raise RuntimeError(f"{start}: Invalid window shape. window has to be 1D and length of `win_length`")
    if complex_wanted and half:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
