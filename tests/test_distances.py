"""Distances: values of NumPy, gradients of both orders by finite differences, zeros where there is no derivative."""

import math
from typing import Any

import numpy as np
import pytest

from tests.subject import torch

F = torch.nn.functional
pytestmark = pytest.mark.filterwarnings("error")

NORMS = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf]


def _length(d: Any, p: float) -> Any:
    size = np.abs(d)
    if p == 0:
        return (size != 0).sum(-1).astype(float)
    return size.max(-1) if math.isinf(p) else (size**p).sum(-1) ** (1 / p)


def _pairs(seed: int, rows: int = 6, others: int = 4) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(2, rows, 3)), generator.normal(size=(2, others, 3))


@pytest.mark.parametrize("p", NORMS)
def test_cdist_is_the_norm_of_each_difference(p: float, seed: int):
    x, y = _pairs(seed)
    out = torch.cdist(torch.tensor(x), torch.tensor(y), p)
    np.testing.assert_allclose(out.numpy(), _length(x[:, :, None] - y[:, None], p), rtol=1e-12)
    flat = torch.pdist(torch.tensor(x[0]), p)
    first, second = np.triu_indices(6, 1)
    np.testing.assert_allclose(flat.numpy(), _length(x[0][first] - x[0][second], p), rtol=1e-12)


@pytest.mark.parametrize("p", NORMS)
def test_cdist_has_derivatives_of_both_orders(p: float, seed: int):
    x, y = _pairs(seed)
    g = np.random.default_rng(seed + 1).normal(size=(2, 6, 4))
    step = 1e-6

    def first(value: Any, other: Any, graph: bool = False) -> Any:
        leaves = [torch.tensor(value).requires_grad_(), torch.tensor(other).requires_grad_()]
        return leaves, torch.autograd.grad(torch.cdist(*leaves, p), leaves, torch.tensor(g), create_graph=graph)

    leaves, plain = first(x, y)
    _, recorded = first(x, y, True)
    for a, b in zip(plain, recorded, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)
    direction = np.random.default_rng(seed + 2).normal(size=x.shape)
    ends = [(g * _length((x + d * direction)[:, :, None] - y[:, None], p)).sum() for d in (step, -step)]
    slope = (plain[0].numpy() * direction).sum()
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=1e-6)
    if p in (0.0, 1.0, math.inf):
        return
    leaves, recorded = first(x, y, True)
    along = torch.tensor(direction)
    (second,) = torch.autograd.grad((recorded[0] * along).sum(), leaves[1])
    ends = [(first(x, y + d * direction[:, :4])[1][0].numpy() * direction).sum() for d in (step, -step)]
    found = (second.numpy() * direction[:, :4]).sum()
    np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * step), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("p", NORMS)
def test_there_is_no_gradient_at_no_distance(p: float):
    x = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    for out in (torch.cdist(x, x.detach(), p), torch.dist(x, x.detach(), p), torch.pdist(x, p)):
        (found,) = torch.autograd.grad(out.sum(), x, allow_unused=True)
        assert found is None or (found == 0).all()


def test_many_rows_go_through_a_product_unless_they_may_not(seed: int):
    generator = np.random.default_rng(seed)
    x, y = torch.tensor(generator.normal(size=(30, 5))).requires_grad_(), torch.tensor(generator.normal(size=(8, 5)))
    product, direct = torch.cdist(x, y), torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    assert direct.grad_fn.name() == "CdistBackward0" and product.grad_fn.name() == "ViewBackward0"
    np.testing.assert_allclose(product.detach().numpy(), direct.detach().numpy(), rtol=1e-6)
    found = [torch.autograd.grad(out.sum(), x)[0].numpy() for out in (product, direct)]
    np.testing.assert_allclose(*found, rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match="not a valid value for compute_mode"):
        torch.cdist(x, y, compute_mode="fast")


def test_lengths_count_as_eps_at_least():
    x = torch.zeros(1, 3, requires_grad=True)
    assert F.cosine_similarity(x, torch.ones(1, 3)).tolist() == [0.0]
    assert F.normalize(x).tolist() == [[0.0, 0.0, 0.0]]
    F.normalize(x).sum().backward()
    assert x.grad.isfinite().all()
    y = torch.tensor([[3.0, 4.0]])
    assert F.normalize(y).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]
    assert F.cosine_similarity(y, 2 * y).tolist() == [pytest.approx(1.0)]
    assert F.pairwise_distance(y, torch.zeros(2), eps=0.0, keepdim=True).tolist() == [[5.0]]


REFUSED = [
    (lambda x: torch.cdist(x, x[:, :2]), "must have the same number of columns"),
    (lambda x: torch.cdist(x[0], x), "cdist only supports at least 2D tensors"),
    (lambda x: torch.cdist(x, x, -1.0), "cdist only supports non-negative p values"),
    (lambda x: torch.cdist(x.long(), x), "cdist only supports floating-point dtypes"),
    (lambda x: torch.pdist(x[0]), "pdist only supports 2D tensors"),
    (lambda x: F.cosine_similarity(x.long(), x.long()), "expected common dtype to be floating point"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(call: Any, words: str):
    with pytest.raises(RuntimeError, match=words):
        call(torch.ones(2, 3))
