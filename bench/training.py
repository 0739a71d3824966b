# What a step of training costs: optimizers by themselves, and whole steps of small networks.
"""The workloads of `make bench ARGS=training`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TARGETS = {"Adam, 200 parameters of 64": 6.0}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"momentum": 0.9},
    "Adam": {},
    "AdamW": {},
    "RMSprop": {},
    "Adagrad": {},
    "NAdam": {},
    "RAdam": {},
    "Adadelta": {},
    "Adamax": {},
    "ASGD": {},
    "Rprop": {},
    "Adafactor": {},
}

Workloads = dict[str, Callable[[], Any]]


def workloads(torch: Any) -> Workloads:
    """All of them, by name."""
    torch.manual_seed(0)
    steps = {f"{name}, 200 parameters of 64": _step(torch, name, 200, 64) for name in OPTIMIZERS}
    large = {f"{name}, 4 parameters of 1e6": _step(torch, name, 4, 1_000_000) for name in ("SGD", "Adam", "AdamW")}
    networks = {
        f"MLP 64-{width}-{width}-10, batch {batch}, Adam": _network(torch, width, batch)
        for width, batch in ((32, 16), (128, 64), (512, 256))
    }
    return {**steps, **large, **networks}


def _step(torch: Any, name: str, count: int, size: int) -> Callable[[], Any]:
    """A step by gradients that are there; it reads a number of each parameter, so that nothing is put off."""
    parameters = [torch.ones(size, requires_grad=True) for _ in range(count)]
    for p in parameters:
        p.grad = torch.full((size,), 0.1)
    optimizer = getattr(torch.optim, name)(parameters, lr=1e-3, **OPTIMIZERS[name])
    last = [p.detach()[:1] for p in parameters[-4:]]

    def run() -> float:
        optimizer.step()
        return sum(x.item() for x in last)

    return run


def _network(torch: Any, width: int, batch: int) -> Callable[[], float]:
    nn = torch.nn
    layers = [nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)]
    model, judge = nn.Sequential(*layers), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, wanted = torch.randn(batch, 64), torch.randint(10, (batch,))

    def run() -> float:
        optimizer.zero_grad()
        loss = judge(model(x), wanted)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run
