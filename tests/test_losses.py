"""Losses of pairs of numbers: reductions, limits, half precision, derivatives of every order, and what is refused."""

from typing import Any

import numpy as np
import pytest

from tests.subject import torch

F = torch.nn.functional


def _huber(d: Any, delta: float) -> Any:
    return np.where(np.abs(d) <= delta, d * d / 2, delta * (np.abs(d) - delta / 2))


# Each with its values in NumPy, for an input and a target in (0, 1).
LOSSES: dict[str, Any] = {
    "mse_loss": ({}, lambda x, y: (x - y) ** 2),
    "l1_loss": ({}, lambda x, y: np.abs(x - y)),
    "smooth_l1_loss": ({"beta": 0.3}, lambda x, y: _huber(x - y, 0.3) / 0.3),
    "huber_loss": ({"delta": 0.3}, lambda x, y: _huber(x - y, 0.3)),
    "binary_cross_entropy": ({}, lambda x, y: -y * np.log(x) - (1 - y) * np.log1p(-x)),
    "binary_cross_entropy_with_logits": ({}, lambda x, y: (1 - y) * x + np.log1p(np.exp(-x))),
    "soft_margin_loss": ({}, lambda x, y: np.log1p(np.exp(-x * y))),
    "kl_div": ({}, lambda x, y: y * (np.log(y) - x)),
    "poisson_nll_loss": ({}, lambda x, y: np.exp(x) - x * y),
}
REDUCED = {"none": lambda x: x, "mean": np.mean, "sum": np.sum}
quiet = pytest.mark.filterwarnings("ignore:reduction.*divides the total loss")


def _pair(seed: int, shape: tuple[int, ...] = (7, 5)) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.uniform(0.05, 0.95, shape), generator.uniform(0.05, 0.95, shape)


@quiet
@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize("name", LOSSES)
def test_values_are_numpys_in_every_reduction(name: str, reduction: str, seed: int):
    x, y = _pair(seed)
    numbers, reference = LOSSES[name]
    out = getattr(F, name)(torch.tensor(x), torch.tensor(y), reduction=reduction, **numbers)
    np.testing.assert_allclose(out.numpy(), REDUCED[reduction](reference(x, y)), rtol=1e-12)


@quiet
@pytest.mark.parametrize("name", LOSSES)
def test_derivatives_are_finite_differences_to_second_order(name: str, seed: int):
    numbers, reference = LOSSES[name]
    x, y = _pair(seed, (40,))
    keep = (np.abs(np.abs(x - y) - 0.3) > 0.01) & (np.abs(x - y) > 0.01)
    x, y, step = x[keep], y[keep], 1e-5
    leaf = torch.tensor(x).requires_grad_()
    loss = getattr(F, name)(leaf, torch.tensor(y), **numbers) * keep.sum()
    (first,) = torch.autograd.grad(loss, leaf, create_graph=True)
    slope = (reference(x + step, y) - reference(x - step, y)) / (2 * step)
    np.testing.assert_allclose(first.detach().numpy(), slope, rtol=1e-5, atol=1e-6)
    bend = (reference(x + step, y) - 2 * reference(x, y) + reference(x - step, y)) / step**2
    if first.requires_grad:
        (second,) = torch.autograd.grad(first.sum(), leaf, allow_unused=True)
        np.testing.assert_allclose(0 if second is None else second.numpy(), bend, rtol=1e-2, atol=1e-3)
    else:
        np.testing.assert_allclose(bend, 0, atol=1e-3)


@quiet
@pytest.mark.parametrize("name", LOSSES)
def test_vmap_and_jvp_are_the_loss_of_each_example(name: str, seed: int):
    numbers, _ = LOSSES[name]
    x, y = (torch.tensor(a) for a in _pair(seed))
    function = getattr(F, name)
    each = torch.func.vmap(lambda a, b: function(a, b, **numbers))(x, y)
    for i in range(7):
        assert float(each[i]) == pytest.approx(float(function(x[i], y[i], **numbers)), rel=1e-12)
    value, tangent = torch.func.jvp(lambda a: function(a, y, **numbers), (x,), (torch.ones_like(x),))
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(leaf, y, **numbers), leaf)
    assert float(tangent) == pytest.approx(float(gradient.sum()), rel=1e-10)


@quiet
@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_float32_rounded_once(name: str, seed: int):
    numbers, _ = LOSSES[name]
    x, y = (torch.tensor(a).to(torch.bfloat16) for a in _pair(seed, (64, 64)))
    loss = getattr(F, name)(x, y, **numbers)
    wide = getattr(F, name)(x.float(), y.float(), **numbers)
    assert loss.dtype is torch.bfloat16
    assert float(loss) == pytest.approx(float(wide), rel=2**-7)


def test_one_node_with_pytorchs_names():
    x, y = torch.rand(3, requires_grad=True), torch.rand(3)
    node = F.smooth_l1_loss(x, y, beta=0.5).grad_fn
    assert node.name() == "SmoothL1LossBackward0"
    assert (node._saved_beta, node._saved_reduction) == (0.5, 1)
    assert node._saved_self is x and node._saved_target is y
    assert node.next_functions[0][0].variable is x and node.next_functions[1] == (None, 0)
    assert F.binary_cross_entropy_with_logits(x, y).grad_fn._saved_pos_weight is None


def test_gradients_reach_the_target_where_it_has_one(seed: int):
    x, y = _pair(seed)
    target = torch.tensor(y).requires_grad_()
    for name in ("mse_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy"):
        function = getattr(F, name)
        (found,) = torch.autograd.grad(function(torch.tensor(x), target, reduction="sum"), target)
        step = 1e-6
        ends = [function(torch.tensor(x), torch.tensor(y + d), reduction="none") for d in (step, -step)]
        np.testing.assert_allclose(found.numpy(), ((ends[0] - ends[1]) / (2 * step)).numpy(), rtol=1e-4, atol=1e-6)


def test_probabilities_of_0_and_1_cost_at_most_100():
    x = torch.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, torch.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
    assert loss.tolist() == [0.0, 0.0, 100.0, 100.0]
    loss.sum().backward()
    assert x.grad.isfinite().all()


def test_logits_of_any_size_do_not_overflow():
    x = torch.tensor([1e4, -1e4, 1e4, -1e4], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, torch.tensor([1.0, 0.0, 0.0, 1.0]), reduction="sum")
    assert float(loss.detach()) == 2e4
    loss.backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0, -1.0]
    assert F.soft_margin_loss(x.detach(), -torch.ones(4), reduction="none").tolist() == [1e4, 0.0, 1e4, 0.0]


def test_weights_are_of_elements_and_of_positives():
    x, y = torch.tensor([[0.5, -1.0], [2.0, 0.0]], requires_grad=True), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    plain = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    doubled = F.binary_cross_entropy_with_logits(x, y, torch.tensor([2.0, 1.0]), reduction="none")
    assert (doubled == plain * torch.tensor([2.0, 1.0])).all()
    tripled = F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.tensor(3.0), reduction="none")
    np.testing.assert_allclose(tripled.detach().numpy(), (plain * (1 + 2 * y)).detach().numpy(), rtol=1e-6)
    ours = torch.autograd.grad(tripled.sum(), x)[0]
    np.testing.assert_allclose(ours.numpy(), torch.autograd.grad((plain * (1 + 2 * y)).sum(), x)[0].numpy(), rtol=1e-5)
    weighted = F.mse_loss(x, y, weight=torch.tensor([[1.0, 0.0], [0.0, 3.0]]))
    assert float(weighted.detach()) == pytest.approx((0.25 + 3 * 1.0) / 4)


def test_broadcasting_warns_and_works():
    x, y = torch.ones(3, 2, requires_grad=True), torch.zeros(2)
    with pytest.warns(UserWarning, match="Using a target size .* that is different to the input size"):
        loss = F.mse_loss(x, y)
    loss.backward()
    assert float(loss.detach()) == 1.0 and x.grad.shape == (3, 2)


def test_the_old_words_for_reductions():
    x, y = torch.ones(4), torch.zeros(4)
    for words, expected in [({"size_average": False}, 4.0), ({"reduce": True}, 1.0)]:
        with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
            assert float(F.mse_loss(x, y, **words)) == expected


def test_empty_losses():
    x = torch.zeros(0, requires_grad=True)
    assert F.mse_loss(x, torch.zeros(0)).isnan() and F.mse_loss(x, torch.zeros(0), reduction="sum") == 0
    F.mse_loss(x, torch.zeros(0)).backward()
    assert x.grad.shape == (0,)


REFUSED = [
    (lambda x: F.mse_loss(x, x, reduction="most"), ValueError, "most is not a valid value for reduction"),
    (lambda x: F.mse_loss(x.long(), x.long()), NotImplementedError, "not implemented for 'Long'"),
    (lambda x: F.mse_loss(3.0, x), TypeError, "must be Tensor, not float"),
    (lambda x: F.smooth_l1_loss(x, x, beta=-1.0), RuntimeError, "does not support negative values for beta"),
    (lambda x: F.huber_loss(x, x, delta=0.0), RuntimeError, "does not support non-positive values for delta"),
    (lambda x: F.binary_cross_entropy(x * 2, x), RuntimeError, "all elements of input should be between 0 and 1"),
    (lambda x: F.binary_cross_entropy(x * float("nan"), x), RuntimeError, "should be between 0 and 1"),
    (lambda x: F.binary_cross_entropy(x, x.double()), RuntimeError, "Found dtype Double but expected Float"),
    (lambda x: F.binary_cross_entropy(x, x[:2]), ValueError, "Using a target size"),
    (lambda x: F.binary_cross_entropy_with_logits(x, x[:2]), ValueError, "must be the same as input size"),
    (lambda x: F.binary_cross_entropy(x, x, weight=x.requires_grad_()), RuntimeError, "respect to argument 'weight'"),
    (lambda x: F.soft_margin_loss(x, x.requires_grad_()), RuntimeError, "respect to argument 'target'"),
    (lambda x: F.gaussian_nll_loss(x, x, -x), ValueError, "var has negative entry/entries"),
    (lambda x: F.gaussian_nll_loss(x, x, x[:2]), ValueError, "var is of incorrect size"),
    (lambda x: F.margin_ranking_loss(x, x, x[0]), RuntimeError, "should have same dimension"),
    (lambda x: F.multi_margin_loss(x, torch.tensor([9])), RuntimeError, "target out of range"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(call: Any, kind: Any, words: str):
    with pytest.raises(kind, match=words):
        call(torch.ones(3))


@pytest.mark.parametrize("kind", ["int64", "bool"])
def test_cross_entropy_with_logits_refuses_what_is_not_floating(kind):
    x, whole = torch.zeros(3), torch.ones(3, dtype=getattr(torch, kind))
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        F.binary_cross_entropy_with_logits(x, whole)
    with pytest.raises(NotImplementedError, match="log_sigmoid_cpu"):
        F.binary_cross_entropy_with_logits(whole, x)
