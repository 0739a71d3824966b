"""interpolate(antialias=True): every element of the input counts, with PyTorch's weights."""

import pytest

import tapeless as torch
from tapeless.nn.functional import interpolate

BOTH = pytest.mark.parametrize("mode", ["bilinear", "bicubic"])


def image(*shape):
    return (torch.arange(float(torch.Size(shape).numel())) * 0.7).sin().reshape(shape)


@pytest.mark.parametrize(
    ("mode", "settings", "first_row"),  # Of PyTorch 2.13.
    [
        ("bilinear", {"size": (2, 3)}, [-0.1067544, 0.0604863, 0.1463114]),
        ("bicubic", {"size": (2, 3)}, [-0.0883826, 0.0776303, 0.1256899]),
        ("bilinear", {"scale_factor": 0.6}, [-0.23613, 0.2619933, 0.452051]),
        ("bilinear", {"size": (2, 3), "align_corners": True}, [-0.0323957, 0.0813179, 0.0824924]),
    ],
)
def test_the_weights_are_pytorchs(mode, settings, first_row):
    found = interpolate(image(1, 1, 5, 6), mode=mode, antialias=True, **settings)
    assert found[0, 0, 0].tolist() == pytest.approx(first_row, abs=1e-6)


@BOTH
def test_a_constant_stays_and_an_equal_size_changes_nothing(mode):
    ones = torch.ones(1, 2, 9, 7)
    assert torch.allclose(interpolate(ones, size=(4, 3), mode=mode, antialias=True), torch.ones(1, 2, 4, 3))
    x = image(1, 1, 5, 6)
    assert torch.allclose(interpolate(x, size=(5, 6), mode=mode, antialias=True), x, atol=1e-6)


@BOTH
def test_the_gradient_is_the_transpose(mode):
    x = image(2, 1, 7, 5).double().requires_grad_()
    y = interpolate(x, size=(3, 4), mode=mode, antialias=True)
    g = image(2, 1, 3, 4).double()
    (gradient,) = torch.autograd.grad(y, x, g)
    assert torch.allclose((gradient * x).sum(), (g * y).sum())
    assert type(y.grad_fn).__name__ == f"Upsample{mode.capitalize()}2DAaBackward0"


@BOTH
def test_bytes_stay_bytes(mode):
    x = (image(1, 3, 8, 8) * 127 + 128).to(torch.uint8)
    y = interpolate(x, size=(3, 3), mode=mode, antialias=True)
    exact = interpolate(x.float(), size=(3, 3), mode=mode, antialias=True)
    assert y.dtype is torch.uint8 and (y.float() - exact).abs().max() <= 0.5


def test_other_modes_are_refused():
    with pytest.raises(ValueError, match="restricted to bilinear and bicubic modes and requires a 4-D tensor"):
        interpolate(torch.ones(1, 1, 4), size=2, mode="linear", antialias=True)
