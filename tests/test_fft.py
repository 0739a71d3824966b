# Fourier transforms against NumPy's, their derivatives against differences, and the short-time transforms.
"""`tapeless.fft`, `stft` and `istft`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tapeless as tl
from tests.derivatives import check_gradients

# Every radix, products of them, primes with and without a pass of their own, and powers of two.
LENGTHS = [*range(1, 40), 59, 61, 62, 67, 97, 101, 121, 128, 134, 210, 243, 343, 360, 509, 1000, 1024, 1331, 2048]


def numbers(*shape: int, seed: int = 0, real: bool = False, dtype: Any = None) -> Any:
    """Normal numbers."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return (x if real else x + 1j * rng.standard_normal(shape)).astype(dtype or (float if real else complex))


def near(got: Any, want: Any, tolerance: float) -> None:
    """Equal up to `tolerance` times the largest number."""
    assert tuple(got.shape) == want.shape
    assert np.abs(got.numpy() - want).max() <= tolerance * max(np.abs(want).max(), 1e-30)


@pytest.mark.parametrize("rows", [1, 3, 21])
def test_all_lengths_agree_with_numpy(rows: int) -> None:
    for n in LENGTHS:
        z, x, half = numbers(rows, n, seed=n), numbers(rows, n, seed=n, real=True), numbers(rows, n // 2 + 1, seed=n)
        near(tl.fft.fft(tl.from_numpy(z)), np.fft.fft(z), 2e-15)
        near(tl.fft.ifft(tl.from_numpy(z)), np.fft.ifft(z), 2e-15)
        near(tl.fft.fft(tl.from_numpy(x)), np.fft.fft(x), 2e-15)
        near(tl.fft.ifft(tl.from_numpy(x)), np.fft.ifft(x), 2e-15)
        near(tl.fft.rfft(tl.from_numpy(x)), np.fft.rfft(x), 2e-15)
        near(tl.fft.irfft(tl.from_numpy(half), n), np.fft.irfft(half, n), 2e-15)
        near(tl.fft.hfft(tl.from_numpy(half), n), np.fft.hfft(half, n), 2e-15)
        near(tl.fft.ihfft(tl.from_numpy(x)), np.fft.ihfft(x), 2e-15)


def test_single_precision_is_as_good_as_it_can_be() -> None:
    for n in LENGTHS:
        z = numbers(2, n, seed=n, dtype=np.complex64)
        got = tl.fft.fft(tl.from_numpy(z))
        assert got.dtype == tl.complex64
        near(got, np.fft.fft(z.astype(np.complex128)), 6e-7)


def test_a_number_does_not_depend_on_its_neighbours() -> None:
    for n in (12, 67, 256):
        x = tl.from_numpy(numbers(19, n, real=True))
        whole = tl.fft.rfft(x)
        for row in (0, 7, 18):
            assert tl.equal(whole[row], tl.fft.rfft(x[row]))
        x[3] = tl.inf
        assert tl.equal(tl.fft.rfft(x)[:3], whole[:3])


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
def test_norms_sizes_and_dimensions_agree_with_numpy(norm: Any) -> None:
    z, x = numbers(3, 5, 8), numbers(3, 5, 8, real=True)
    for mine, theirs, given in (
        (tl.fft.fft, np.fft.fft, z), (tl.fft.ifft, np.fft.ifft, z), (tl.fft.rfft, np.fft.rfft, x),
        (tl.fft.irfft, np.fft.irfft, z), (tl.fft.hfft, np.fft.hfft, z), (tl.fft.ihfft, np.fft.ihfft, x),
    ):  # fmt: skip
        for n in (None, 4, 9):
            for dim in (-1, 0, 1):
                near(mine(tl.from_numpy(given), n, dim, norm), theirs(given, n, dim, norm), 2e-15)
    for mine, theirs, given in (
        (tl.fft.fftn, np.fft.fftn, z), (tl.fft.ifftn, np.fft.ifftn, z), (tl.fft.rfftn, np.fft.rfftn, x),
        (tl.fft.irfftn, np.fft.irfftn, z),
    ):  # fmt: skip
        for s, dim in ((None, (0, 2)), ((4, 6), (2, 1)), ((3, 7), (1, 0)), (None, (0, 1, 2))):
            near(mine(tl.from_numpy(given), s, dim, norm), theirs(given, s, dim, norm), 2e-15)
    near(tl.fft.fft2(tl.from_numpy(z), norm=norm), np.fft.fft2(z, norm=norm), 2e-15)
    near(tl.fft.irfft2(tl.from_numpy(z), norm=norm), np.fft.irfft2(z, norm=norm), 2e-15)


def test_transforms_along_strided_and_overlapping_rows() -> None:
    z = numbers(6, 7, 8)
    t = tl.from_numpy(z)
    near(tl.fft.fft(t.permute(2, 0, 1)[::2], dim=0), np.fft.fft(z.transpose(2, 0, 1)[::2], axis=0), 2e-15)
    near(tl.fft.fft(t[0, 0].expand(4, 8)), np.fft.fft(np.broadcast_to(z[0, 0], (4, 8))), 2e-15)


def test_hermitian_transforms_of_several_dimensions_undo_one_another() -> None:
    x = tl.from_numpy(numbers(4, 6, real=True))
    assert tl.allclose(tl.fft.hfftn(tl.fft.ihfftn(x)), x)
    assert tl.allclose(tl.fft.hfft2(tl.fft.ihfft2(x, norm="ortho"), norm="ortho"), x)


@pytest.mark.parametrize(
    "transform",
    [
        lambda x: tl.fft.fft(x), lambda x: tl.fft.ifft(x, norm="ortho"), lambda x: tl.fft.rfft(x, 5),
        lambda x: tl.fft.rfft(x, dim=0), lambda x: tl.fft.rfftn(x), lambda x: tl.fft.fft2(x, norm="forward"),
        lambda x: tl.fft.ihfft(x), lambda x: tl.fft.irfft(tl.complex(x, x.flip(0)), 7),
        lambda x: tl.fft.irfft(tl.complex(x, x.flip(0))), lambda x: tl.fft.hfft(tl.complex(x, x), 5),
        lambda x: tl.fft.irfftn(tl.complex(x, x.flip(1)), dim=(0, 1)),
        lambda x: tl.stft(x, 4, 2, window=tl.hann_window(4, dtype=tl.float64), return_complex=True),
        lambda x: tl.istft(tl.complex(x, x.flip(1))[:3], 4, 2, window=tl.ones(4, dtype=tl.float64)),
    ],
)  # fmt: skip
def test_derivatives_agree_with_differences(transform: Any) -> None:
    def loss(x: Any) -> Any:
        out = transform(x)
        out = tl.view_as_real(out) if out.is_complex() else out
        return out + out**2

    x = tl.from_numpy(numbers(4, 6, real=True, seed=3)).requires_grad_()
    check_gradients(loss, x, tolerance=1e-5)


def test_nodes_have_pytorchs_names() -> None:
    x, z = tl.ones(2, 4, requires_grad=True), tl.ones(2, 4, dtype=tl.complex64, requires_grad=True)
    assert tl.fft.rfft(x).grad_fn.name() == tl.fft.fft(x).grad_fn.name() == "FftR2CBackward0"
    assert tl.fft.fft(z).grad_fn.name() == tl.fft.fftn(x).grad_fn.name() == "FftC2CBackward0"
    assert tl.fft.irfft(z).grad_fn.name() == tl.fft.hfft(z).grad_fn.name() == "FftC2RBackward0"


def test_batches_and_tangents_take_the_transforms_own_rules() -> None:
    x, v = tl.from_numpy(numbers(3, 6, real=True)), tl.from_numpy(numbers(3, 6, real=True, seed=1))
    for f in (tl.fft.rfft, tl.fft.fft, lambda y: tl.fft.irfft(y.to(tl.complex128)), lambda y: tl.fft.fftn(y)):
        rows = tl.func.vmap(f)(x)
        assert tl.allclose(rows, tl.stack([f(row) for row in x]))
        assert tl.allclose(tl.func.jvp(f, (x,), (v,))[1], f(v))


def test_frequencies_and_shifts_agree_with_numpy() -> None:
    for n in (1, 2, 7, 8):
        near(tl.fft.fftfreq(n, 0.25, dtype=tl.float64), np.fft.fftfreq(n, 0.25), 1e-15)
        near(tl.fft.rfftfreq(n, 0.25, dtype=tl.float64), np.fft.rfftfreq(n, 0.25), 1e-15)
    x = numbers(4, 5, real=True)
    for dim in (None, 0, (0, 1)):
        near(tl.fft.fftshift(tl.from_numpy(x), dim), np.fft.fftshift(x, dim), 0)
        near(tl.fft.ifftshift(tl.from_numpy(x), dim), np.fft.ifftshift(x, dim), 0)


def test_what_cannot_be_transformed_is_refused_in_pytorchs_words() -> None:
    z, x = tl.ones(2, 4, dtype=tl.complex64), tl.ones(2, 4)
    for call, words in (
        (lambda: tl.fft.fft(x, 0), r"Invalid number of data points \(0\) specified"),
        (lambda: tl.fft.irfft(tl.ones(1)), r"Invalid number of data points \(0\) specified"),
        (lambda: tl.fft.rfft(z), "rfft expects a real input tensor, but got ComplexFloat"),
        (lambda: tl.fft.rfftn(z), "rfftn expects a real-valued input tensor, but got ComplexFloat"),
        (lambda: tl.fft.fft(x, norm="other"), 'Invalid normalization mode: "other"'),
        (lambda: tl.fft.fftn(x, dim=(0, 0)), "FFT dims must be unique"),
        (lambda: tl.fft.fftn(x, s=(2, 2), dim=(0,)), "dim and shape arguments must have the same length"),
        (lambda: tl.fft.fftn(x, s=(1, 2, 3)), "Got shape with 3 values but input tensor only has 2 dimensions"),
        (lambda: tl.fft.rfftn(x, dim=()), "rfftn must transform at least one axis"),
        (lambda: tl.fft.fft(x.half()), "Unsupported dtype Half"),
        (lambda: tl.stft(x, 4, return_complex=None), "stft requires the return_complex parameter"),
    ):
        with pytest.raises(RuntimeError, match=words):
            call()
    with pytest.raises(IndexError, match="Dimension out of range"):
        tl.fft.fft(x, dim=2)


def test_integers_become_floats_and_out_is_written() -> None:
    assert tl.fft.fft(tl.arange(4)).dtype == tl.complex64
    out = tl.empty(0, dtype=tl.complex64)
    assert tl.fft.fft(tl.arange(4), out=out) is out
    assert out.shape == (4,)


def test_a_signal_comes_back_from_its_short_time_transform() -> None:
    x, window = tl.from_numpy(numbers(2, 50, real=True)), tl.hann_window(16, dtype=tl.float64)
    for options in ({}, {"center": False}, {"normalized": True}, {"onesided": False}):
        frames = tl.stft(x, 16, 4, window=window, return_complex=True, **options)
        bins, count = 9 if options.get("onesided", True) else 16, 13 if options.get("center", True) else 9
        assert frames.shape == (2, bins, count)
        if options.get("center", True):
            assert tl.allclose(tl.istft(frames, 16, 4, window=window, length=50, **options), x)
    one = tl.stft(x[0], 16, 4, window=window, return_complex=True)
    first = tl.fft.rfft(tl.nn.functional.pad(x[:1], (8, 8), "reflect")[0, :16] * window)
    assert tl.allclose(one[:, 0], first)
    with pytest.warns(UserWarning, match="A window was not provided"):
        tl.stft(x, 16, return_complex=True)


PROGRAM = """
import hashlib
import tapeless as tl
tl.manual_seed(0)
total = hashlib.md5()
for n in (7, 12, 64, 100, 121, 509):
    for dtype in (tl.float32, tl.float64):
        x = tl.randn(5, n, dtype=dtype)
        z = tl.complex(x, x.flip(0))
        for out in (tl.view_as_real(tl.fft.fft(z)), tl.view_as_real(tl.fft.rfft(x)), tl.fft.irfft(z, n)):
            total.update(out.contiguous().numpy().tobytes())
print(total.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits() -> None:
    def run(level: str) -> str:
        command = [sys.executable, "-c", PROGRAM]
        return subprocess.run(
            command, env={**os.environ, "TAPELESS_ISA": level}, capture_output=True, check=True
        ).stdout

    assert len({run(level) for level in ("v2", "v3", "v4")}) == 1
