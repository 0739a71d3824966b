# What a call costs: operations and small programs on few elements, where arithmetic takes no time.
"""The workloads of `make bench ARGS=overhead`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

TARGETS = {
    "a * b": 8.0,
    "a * b, recorded": 8.0,
    "chain of 50, forward + backward": 12.0,
    "gelu [4], forward + backward": 3.0,
    "gelu [64], forward + backward": 3.0,
    "softmax [4], forward + backward": 3.0,
    "softmax [8, 8], forward + backward": 3.0,
    "cross_entropy [1, 4], forward + backward": 3.0,
    "cross_entropy [8, 8], forward + backward": 3.0,
}

Workloads = dict[str, Callable[[], Any]]


def workloads(torch: Any) -> Workloads:
    """All of them, by name."""
    torch.manual_seed(0)
    return {
        **_single(torch),
        **_programs(torch),
        **_functional(torch),
        "MLP 2-16-16-2, one step": _mlp(torch),
    }


def _single(torch: Any) -> Workloads:
    a, b, matrix = torch.randn(4), torch.randn(4), torch.randn(4, 4)
    leaf = torch.randn(4, requires_grad=True)
    return {
        "a * b": lambda: a * b,
        "a * b, recorded": lambda: leaf * b,
        "a + 1": lambda: a + 1,
        "a.exp()": lambda: a.exp(),
        "x.sum()": lambda: a.sum(),
        "x[0]": lambda: a[0],
        "x.t()": lambda: matrix.t(),
        "x @ y, 4 x 4": lambda: matrix @ matrix,
        "zeros(4)": lambda: torch.zeros(4),
    }


def _programs(torch: Any) -> Workloads:
    leaf = torch.randn(4, requires_grad=True)
    factor = torch.rand(4) + 0.5

    def chain() -> None:
        x = leaf
        for _ in range(50):
            x = x * factor
        x.sum().backward()
        leaf.grad = None

    def data() -> Any:
        return torch.randn(1, 10), torch.randn(1, 20), torch.randn(20, 20), torch.randn(20, 10)

    def recurrent(x: Any, prev_h: Any, w_h: Any, w_x: Any) -> None:
        for leaf in (x, prev_h, w_h, w_x):
            leaf.requires_grad = True
        i2h = torch.matmul(w_x, x.t())
        h2h = torch.matmul(w_h, prev_h.t())
        (i2h + h2h).tanh().sum().backward()
        for leaf in (x, prev_h, w_h, w_x):
            leaf.grad = None

    given = data()
    leaves = [torch.randn((5, 5), requires_grad=True) for _ in range(5)]

    def products() -> None:
        a, x1, x2, x3, x4 = leaves
        b = x1 * a
        c = x2 * a
        d = x3 * b + x4 * c
        loss = (10 - d).sum()
        loss.backward()
        for leaf in leaves:
            leaf.grad = None

    return {
        "chain of 50, forward + backward": chain,
        "tutorial program 1": lambda: recurrent(*data()),
        "tutorial program 1, without randn": lambda: recurrent(*given),
        "tutorial program 3, n = 5": products,
    }


def _functional(torch: Any) -> Workloads:
    functional = importlib.import_module(torch.__name__ + ".nn.functional")

    def both_ways(function: Callable[[Any], Any], *shape: int) -> Callable[[], None]:
        leaf = torch.randn(*shape, requires_grad=True)
        ones = torch.ones(function(leaf).shape)

        def run() -> None:
            function(leaf).backward(ones)
            leaf.grad = None

        return run

    def loss(rows: int, classes: int) -> Callable[[], None]:
        labels = torch.arange(rows) % classes
        return both_ways(lambda x: functional.cross_entropy(x, labels), rows, classes)

    return {
        "gelu [4], forward + backward": both_ways(functional.gelu, 4),
        "gelu [64], forward + backward": both_ways(functional.gelu, 64),
        "softmax [4], forward + backward": both_ways(lambda x: functional.softmax(x, 0), 4),
        "softmax [8, 8], forward + backward": both_ways(lambda x: functional.softmax(x, 1), 8, 8),
        "cross_entropy [1, 4], forward + backward": loss(1, 4),
        "cross_entropy [8, 8], forward + backward": loss(8, 8),
    }


def _mlp(torch: Any) -> Callable[[], None]:
    shapes = ((2, 16), (16,), (16, 16), (16,), (16, 2), (2,))
    parameters = [(torch.randn(*shape) * 0.3).requires_grad_() for shape in shapes]
    x, wanted = torch.randn(8, 2), torch.randn(8, 2)

    def step() -> None:
        w1, b1, w2, b2, w3, b3 = parameters
        h = torch.relu(x @ w1 + b1)
        h = torch.relu(h @ w2 + b2)
        error = h @ w3 + b3 - wanted
        (error * error).mean().backward()
        with torch.no_grad():
            for p in parameters:
                p -= 0.01 * p.grad
                p.grad = None

    return step
