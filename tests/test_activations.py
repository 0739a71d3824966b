"""Activations: their numbers, the gradients where they bend, their in-place forms, and what they refuse."""

from typing import Any

import numpy as np
import pytest

from tests.subject import torch

F = torch.nn.functional
pytestmark = pytest.mark.filterwarnings("error")

BENDS = [
    ("relu", (), 0.0, 0.0),
    ("leaky_relu", (0.2,), 0.0, 0.2),
    ("elu", (), 0.0, 1.0),
    ("elu", (2.0,), 0.0, 2.0),
    ("celu", (0.5,), 0.0, 1.0),
    ("hardtanh", (), 1.0, 0.0),
    ("hardtanh", (-2.0, 3.0), -2.0, 0.0),
    ("relu6", (), 6.0, 0.0),
    ("hardswish", (), -3.0, 0.0),
    ("hardswish", (), 3.0, 1.0),
    ("hardsigmoid", (), 3.0, 0.0),
    ("softshrink", (0.5,), 0.5, 0.0),
    ("hardshrink", (0.5,), -0.5, 0.0),
    ("threshold", (1.0, 7.0), 1.0, 0.0),
]


@pytest.mark.parametrize(("name", "numbers", "at", "slope"), BENDS)
def test_the_gradient_at_a_bend(name: str, numbers: Any, at: float, slope: float):
    x = torch.tensor([at], dtype=torch.float64, requires_grad=True)
    getattr(F, name)(x, *numbers).backward(torch.ones(1, dtype=torch.float64))
    assert x.grad.tolist() == [slope]


NUMBERS = {
    "leaky_relu": ((0.3,), lambda x: np.where(x > 0, x, 0.3 * x)),
    "elu": ((1.7,), lambda x: np.where(x > 0, x, 1.7 * np.expm1(x))),
    "celu": ((0.4,), lambda x: np.where(x > 0, x, 0.4 * np.expm1(x / 0.4))),
    "softplus": ((2.0, 3.0), lambda x: np.where(2 * x > 3, x, np.log1p(np.exp(2 * x)) / 2)),
    "hardtanh": ((-0.5, 1.5), lambda x: np.clip(x, -0.5, 1.5)),
    "hardshrink": ((1.25,), lambda x: np.where(np.abs(x) <= 1.25, 0, x)),
    "softshrink": ((1.25,), lambda x: np.sign(x) * np.maximum(np.abs(x) - 1.25, 0)),
    "threshold": ((0.25, -3.0), lambda x: np.where(x > 0.25, x, -3.0)),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_those_of_the_call(name: str, seed: int):
    numbers, reference = NUMBERS[name]
    x = np.random.default_rng(seed).uniform(-4, 4, 200)
    x = x[np.abs(np.abs(x) - 1.25) > 1e-3]
    leaf = torch.tensor(x).requires_grad_()
    out = getattr(F, name)(leaf, *numbers)
    np.testing.assert_allclose(out.detach().numpy(), reference(x), rtol=1e-12, atol=1e-15)
    by_tensor = getattr(F, name)(leaf, *(torch.tensor(number) for number in numbers))
    np.testing.assert_allclose(by_tensor.detach().numpy(), out.detach().numpy(), rtol=1e-6, atol=1e-7)
    (found,) = torch.autograd.grad(out.sum(), leaf)
    slope = (reference(x + 1e-6) - reference(x - 1e-6)) / 2e-6
    smooth = np.abs(slope) < 10  # Not where the differences step over a jump.
    np.testing.assert_allclose(found.numpy()[smooth], slope[smooth], rtol=1e-5, atol=1e-5)


def test_numbers_take_no_part_in_promotion_and_are_saved_by_name():
    x = torch.ones(2, dtype=torch.float16, requires_grad=True)
    out = F.leaky_relu(x, negative_slope=0.25)
    assert out.dtype is torch.float16
    assert out.grad_fn._saved_negative_slope == 0.25 and out.grad_fn._saved_self is x
    assert F.hardtanh(torch.tensor([-3, 3]), -2, 2).tolist() == [-2, 2]
    assert F.selu(x).grad_fn._saved_scale == pytest.approx(1.0507009873554805)
    with pytest.raises(TypeError, match="must be Number"):
        F.leaky_relu(x, torch.ones(1, dtype=torch.float16, requires_grad=True))
    with pytest.raises(TypeError, match="multiple values"):
        torch.hardshrink(x, 0.5, lambd=0.5)


IN_PLACE = [
    "silu",
    "mish",
    "elu",
    "selu",
    "celu",
    "leaky_relu",
    "hardtanh",
    "relu6",
    "hardsigmoid",
    "hardswish",
    "relu",
]


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_is_out_of_place_with_the_same_gradient(name: str, seed: int):
    x = torch.tensor(np.random.default_rng(seed).uniform(-4, 8, 100)).requires_grad_()
    plain = getattr(F, name)(x)
    (expected,) = torch.autograd.grad(plain.sum(), x)
    y = x * 1
    assert getattr(F, name)(y, inplace=True) is y and y._version == 1
    (found,) = torch.autograd.grad(y.sum(), x)
    assert (y == plain).all() and (found == expected).all()


@pytest.mark.parametrize(("name", "number"), [("elu_", -1.0), ("leaky_relu_", -0.5)])
def test_in_place_with_a_negative_slope_keeps_its_gradient(name: str, number: float):
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    getattr(F, name)(x * 1, number).sum().backward()
    y = x.detach().clone().requires_grad_()
    getattr(F, name.rstrip("_"))(y, number).sum().backward()
    assert x.grad.tolist() == y.grad.tolist()


def test_rrelu_draws_slopes_between_its_limits():
    x = torch.full((1000,), -1.0, requires_grad=True)
    torch.manual_seed(3)
    out = F.rrelu(x, 0.1, 0.4, training=True)
    torch.manual_seed(3)
    assert (F.rrelu(x, 0.1, 0.4, training=True) == out).all()
    assert -0.4 <= float(out.detach().min()) < -0.39 and -0.11 < float(out.detach().max()) <= -0.1
    (found,) = torch.autograd.grad(out.sum(), x)
    assert (found == -out).all()
    assert F.rrelu(x, 0.1, 0.4).detach()[0].item() == -0.25


def test_prelu_has_a_weight_for_each_channel():
    x = torch.tensor([[[-1.0, 2.0], [-3.0, -4.0]]], requires_grad=True)
    weight = torch.tensor([0.5, 0.25], requires_grad=True)
    out = F.prelu(x, weight)
    assert out.tolist() == [[[-0.5, 2.0], [-0.75, -1.0]]]
    out.sum().backward()
    assert weight.grad.tolist() == [-1.0, -7.0]
    assert x.grad.tolist() == [[[0.5, 1.0], [0.25, 0.25]]]


def test_gumbel_softmax_is_one_hot_on_request():
    torch.manual_seed(0)
    x = torch.zeros(6, 5, requires_grad=True)
    hard = F.gumbel_softmax(x, tau=0.5, hard=True)
    assert hard.sum(1).detach().tolist() == pytest.approx([1.0] * 6)
    assert ((hard.detach() < 1e-6) | (hard.detach() > 0.999)).all()
    (hard * torch.arange(5.0)).sum().backward()
    assert x.grad.abs().sum() > 0


REFUSED = [
    (lambda x: F.silu(torch.arange(3)), NotImplementedError, "not implemented for 'Long'"),
    (lambda x: F.celu(x, 0.0), RuntimeError, "alpha cannot be 0 for CELU"),
    (lambda x: F.softshrink(x, -1.0), RuntimeError, "lambda must be in range"),
    (lambda x: F.hardtanh(x, 2.0, 1.0), ValueError, "min_val cannot be greater than max_val"),
    (lambda x: F.hardtanh(x.to(torch.uint8)), RuntimeError, "unsigned type with negative limits"),
    (lambda x: F.rrelu(x, 0.5, 0.2), RuntimeError, "Lower bound should be less than or equal to the upper bound"),
    (lambda x: F.prelu(x, torch.ones(2)), RuntimeError, "Mismatch of parameter numbers and input channel size"),
    (lambda x: F.prelu(x, torch.ones(1).double()), RuntimeError, "Type promoting not supported"),
    (lambda x: F.glu(x), RuntimeError, "Halving dimension must be even"),
    (lambda x: F.glu(x[0]), RuntimeError, "glu does not support scalars"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(call: Any, kind: Any, words: str):
    with pytest.raises(kind, match=words):
        call(torch.ones(3))
