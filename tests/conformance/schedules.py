"""Schedules of learning rates against PyTorch, a part of `python -m tests.conformance.optimizers`.

Each schedule goes 60 epochs: as it is, resumed at epoch 4, by epochs that are given, and with learning rates that are
tensors; and PyTorch's goes on from our state_dict and ours from PyTorch's.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

EPOCHS = 60


def _averages(optimizer: Any) -> Any:
    """The optimizer's library's swa_utils."""
    return importlib.import_module(type(optimizer).__module__.split(".")[0] + ".optim.swa_utils")


Make = Callable[..., Any]
SCHEDULES: dict[str, Make] = {
    "LambdaLR": lambda s, o, **k: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (1 + e)], **k),
    "MultiplicativeLR": lambda s, o, **k: s.MultiplicativeLR(o, lambda e: 0.97, **k),
    "StepLR": lambda s, o, **k: s.StepLR(o, 7, 0.5, **k),
    "MultiStepLR": lambda s, o, **k: s.MultiStepLR(o, [3, 3, 20, 50], 0.5, **k),
    "ConstantLR": lambda s, o, **k: s.ConstantLR(o, 0.5, 9, **k),
    "LinearLR": lambda s, o, **k: s.LinearLR(o, 0.2, 0.8, 30, **k),
    "ExponentialLR": lambda s, o, **k: s.ExponentialLR(o, 0.95, **k),
    "PolynomialLR": lambda s, o, **k: s.PolynomialLR(o, 40, 1.7, **k),
    "CosineAnnealingLR": lambda s, o, **k: s.CosineAnnealingLR(o, 13, 0.01, **k),
    "CosineAnnealingWarmRestarts": lambda s, o, **k: s.CosineAnnealingWarmRestarts(o, 5, 2, 0.01, **k),
    "CyclicLR": lambda s, o, **k: s.CyclicLR(o, 0.01, [0.1, 0.2], 5, 8, **k),
    "CyclicLR triangular2": lambda s, o, **k: s.CyclicLR(o, 0.01, 0.1, 6, mode="triangular2", **k),
    "CyclicLR exp_range": lambda s, o, **k: s.CyclicLR(o, 0.01, 0.1, 6, mode="exp_range", gamma=0.98, **k),
    "CyclicLR scale_fn": lambda s, o, **k: s.CyclicLR(o, 0.01, 0.1, 6, scale_fn=lambda x: 1 / x, **k),
    "OneCycleLR": lambda s, o, **k: s.OneCycleLR(o, 0.1, total_steps=80, **k),
    "OneCycleLR linear": lambda s, o, **k: s.OneCycleLR(
        o, [0.1, 0.3], epochs=10, steps_per_epoch=8, three_phase=True, anneal_strategy="linear", **k
    ),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1), s.CosineAnnealingLR(o, 20)], [5]),
    "SequentialLR of three": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9), s.StepLR(o, 2)], [3, 20]
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.3, 8), s.ExponentialLR(o, 0.9)], o),
    "SWALR": lambda s, o, **k: _averages(o).SWALR(o, [0.05, 0.3], 12, **k),
    "SWALR linear": lambda s, o, **k: _averages(o).SWALR(o, 0.05, 0, "linear", **k),
    "ReduceLROnPlateau": lambda s, o: s.ReduceLROnPlateau(o, patience=2, cooldown=3, factor=0.5, min_lr=0.01),
    "ReduceLROnPlateau max": lambda s, o: s.ReduceLROnPlateau(o, "max", 0.3, 3, 0.01, "abs", min_lr=[0.01, 0.02]),
}
ALONE = ("SequentialLR", "ChainedScheduler", "ReduceLROnPlateau")


def _optimizer(library: Any, mode: str) -> Any:
    groups = [{"params": [library.ones(2, requires_grad=True)], "lr": 0.1 * (at + 1)} for at in range(2)]
    optimizer = library.optim.SGD(groups, lr=0.1, momentum=0.9)
    for group in optimizer.param_groups:
        if mode == "tensor":
            group["lr"] = library.tensor(group["lr"], dtype=library.float64)
        if mode == "resumed":
            group.update(initial_lr=group["lr"], max_lr=0.1, min_lr=1e-4, max_momentum=0.95, base_momentum=0.85)
    return optimizer


class Curve:
    """A schedule and its optimizer."""

    def __init__(self, library: Any, make: Make, mode: str) -> None:
        self.mode, self.optimizer = mode, _optimizer(library, mode)
        resumed = {"last_epoch": 3} if mode == "resumed" else {}
        self.schedule = make(library.optim.lr_scheduler, self.optimizer, **resumed)

    def values(self) -> list[float]:
        groups = self.optimizer.param_groups
        rates = [float(group["lr"]) for group in groups] + [group["momentum"] for group in groups]
        return rates + [float(rate) for rate in self.schedule.get_last_lr()]

    def step(self, at: int) -> None:
        self.optimizer.step()
        if hasattr(self.schedule, "num_bad_epochs"):
            self.schedule.step([1.0, 0.8, 0.9, 0.85, 0.7999, 0.81][at % 6])
        elif self.mode == "given":
            self.schedule.step(at + 2)
        else:
            self.schedule.step()


def _compare(subject: Any, make: Make, mode: str) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = Curve(subject, make, mode), Curve(torch, make, mode)
        found = (_epoch(ours, theirs, at) for at in range(EPOCHS))
        return next(filter(None, found), None)


def _epoch(ours: Curve, theirs: Curve, at: int) -> str | None:
    a, b = ours.values(), theirs.values()
    if any(abs(x - y) > 1e-14 for x, y in zip(a, b, strict=True)):
        return f"epoch {at}: {a} for {b}"
    ours.step(at)
    theirs.step(at)
    return _exchange(ours, theirs) if ours.mode == "plain" and at % 20 == 7 else None


def _exchange(ours: Curve, theirs: Curve) -> str | None:
    """Each schedule goes on from the other's state_dict, after both were found to have the same keys."""
    a, b = ours.schedule.state_dict(), theirs.schedule.state_dict()
    hidden = {"_scale_fn_ref"}
    if set(a) - hidden != set(b) - hidden:
        return f"state_dict has {sorted(a)} for {sorted(b)}"
    ours.schedule.load_state_dict(b)
    theirs.schedule.load_state_dict(a)
    return None


def schedules(subject: Any) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """Every schedule in every mode."""
    for name, make in SCHEDULES.items():
        for mode in ("plain", "resumed", "given", "tensor"):
            if mode in ("resumed", "given") and name.startswith(ALONE):
                continue
            yield f"{name} {mode}", lambda m=make, w=mode: _compare(subject, m, w)
