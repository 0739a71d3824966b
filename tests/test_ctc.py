"""ctc_loss: the sum over all paths, counted one by one; its gradient; batches, lengths and impossible examples."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from tests.subject import torch

F = torch.nn.functional
pytestmark = pytest.mark.filterwarnings("error")


def _log_probs(seed: int, times: int = 5, batch: int = 3, classes: int = 4) -> Any:
    x = np.random.default_rng(seed).normal(size=(times, batch, classes))
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def _by_paths(log_probs: Any, labels: list[int], blank: int = 0) -> float:
    """Every path through the classes that reads as the labels, without repetitions and blanks."""
    total = 0.0
    for path in itertools.product(range(log_probs.shape[1]), repeat=log_probs.shape[0]):
        read = [c for at, c in enumerate(path) if c != blank and (at == 0 or path[at - 1] != c)]
        if read == labels:
            total += math.exp(sum(log_probs[t, c] for t, c in enumerate(path)))
    return -math.log(total) if total else math.inf


LABELS = [[1, 2], [3], [2, 2]]


def test_the_loss_is_the_sum_over_all_paths(seed: int):
    x = _log_probs(seed)
    lengths = [5, 4, 3]
    expected = [_by_paths(x[:n, b], LABELS[b]) for b, n in enumerate(lengths)]
    padded = torch.tensor([[1, 2], [3, 77], [2, 2]])
    joined = torch.tensor([1, 2, 3, 2, 2])
    for targets in (padded, joined):
        out = F.ctc_loss(torch.tensor(x), targets, lengths, torch.tensor([2, 1, 2]), reduction="none")
        np.testing.assert_allclose(out.numpy(), expected, rtol=1e-10)
    mean = F.ctc_loss(torch.tensor(x), padded, lengths, (2, 1, 2))
    assert float(mean) == pytest.approx(sum(e / n for e, n in zip(expected, (2, 1, 2), strict=True)) / 3)
    alone = F.ctc_loss(torch.tensor(x[:, 0]), padded[0], (5,), (2,), reduction="sum")
    assert float(alone) == pytest.approx(expected[0])


def test_the_gradient_is_that_of_logits(seed: int):
    logits = np.random.default_rng(seed).normal(size=(5, 3, 4))

    def loss(value: Any) -> Any:
        return F.ctc_loss(value.log_softmax(2), torch.tensor([1, 2, 3, 2, 2]), (5, 4, 3), (2, 1, 2), reduction="sum")

    leaf = torch.tensor(logits).requires_grad_()
    out = loss(leaf)
    assert out.grad_fn.name() == "SumBackward0"
    (found,) = torch.autograd.grad(out, leaf)
    step = 1e-6
    for at in [(0, 0, 1), (3, 1, 3), (2, 2, 2), (4, 2, 0)]:
        d = np.zeros_like(logits)
        d[at] = step
        slope = (float(loss(torch.tensor(logits + d))) - float(loss(torch.tensor(logits - d)))) / (2 * step)
        assert float(found[at]) == pytest.approx(slope, abs=1e-6)


def test_an_example_without_a_path_costs_inf_or_nothing(seed: int):
    leaf = torch.tensor(_log_probs(seed, times=2, batch=1)).requires_grad_()
    assert float(F.ctc_loss(leaf.detach(), torch.tensor([[1, 1]]), (2,), (2,))) == math.inf
    out = F.ctc_loss(leaf, torch.tensor([[1, 1]]), (2,), (2,), zero_infinity=True)
    out.backward()
    assert float(out.detach()) == 0 and (leaf.grad == 0).all()


REFUSED: list[tuple[Any, Any, str]] = [
    (((6,), (2,)), {}, "to have value at most 5, but got value 6"),
    (((5, 5), (2,)), {}, "input_lengths must be of size batch_size"),
    (((5,), (2, 2)), {}, "target_lengths must be of size batch_size"),
    (((5,), (3,)), {}, "to have size at least 3 at dimension 1"),
    (((5,), (2,)), {"blank": 9}, "blank must be in label range"),
    (((-1,), (2,)), {}, "to have value at least 0"),
]


@pytest.mark.parametrize(("lengths", "more", "words"), REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(lengths: Any, more: Any, words: str):
    x = torch.tensor(_log_probs(0, batch=1))
    with pytest.raises(RuntimeError, match=words):
        F.ctc_loss(x, torch.tensor([[1, 2]]), *lengths, **more)
    with pytest.raises(RuntimeError, match="a label is not among the classes"):
        F.ctc_loss(x, torch.tensor([[1, 9]]), (5,), (2,))
