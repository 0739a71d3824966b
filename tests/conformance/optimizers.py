"""Optimizers and schedules against PyTorch: `python -m tests.conformance.optimizers`.

Every optimizer with every input of PyTorch's own database (`optim_db`) and some more takes 20 steps in both libraries
from the same start by the same gradients, in float32, float64 and, where both can, complex128: after each step the
parameters and the state (keys, dtypes, shapes, numbers) must agree. Then each library goes on from the other's
state_dict. The database's wrong inputs must be refused alike, differentiable steps must have the same derivative, and
every schedule the same 60 learning rates and momenta. So must the `_foreach_*` functions, and what GradScaler does.

Left out: `capturable=True`, which PyTorch refuses on a CPU and we accept; SparseAdam, whose tensors we have not.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import itertools
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

STEPS = 20
SHAPES = ((3, 2), (2, 4), (5, 3))
VECTORS = ((4,), ())
TOLERANCE = {"float32": (2e-5, 1e-6), "float64": (1e-9, 1e-12), "complex128": (1e-9, 1e-12)}
# Muon computes its direction in bfloat16, whose sums are rounded in an order of each library's own; PyTorch computes
# ASGD's rates in float32 whatever the parameters are.
ROUGH = {"Muon": (2e-2, 1e-3), "ASGD": (2e-5, 1e-6)}
MORE: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"momentum": 0.9, "dampening": 0.3}, {"lr": 0.02, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}],
    "Adam": [{"decoupled_weight_decay": True, "weight_decay": 0.1}, {"fused": True}, {"foreach": True}],
    "ASGD": [{"t0": 4, "lambd": 0.1, "alpha": 0.5}],
    "RMSprop": [{"centered": True, "momentum": 0.4, "weight_decay": 0.01}],
    "Rprop": [{"etas": (0.4, 1.3), "step_sizes": (1e-3, 0.02)}],
    "NAdam": [{"decoupled_weight_decay": True, "weight_decay": 0.1}],
    "RAdam": [{"betas": (0.8, 0.9)}],
    "Muon": [{"adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}],
}


def subject_of(value: Any, subject: Any) -> Any:
    """A value of PyTorch's (options, states) in the other library."""
    if isinstance(value, torch.Tensor):
        made = subject.from_numpy(value.detach().numpy().copy())
        return made.requires_grad_() if value.requires_grad else made
    if isinstance(value, dict):
        return {key: subject_of(part, subject) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(subject_of(part, subject) for part in value)
    return value


def numbers(value: Any) -> Any:
    """A value of either library in NumPy's arrays."""
    if hasattr(value, "detach"):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {key: numbers(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [numbers(part) for part in value]
    return value


def difference(ours: Any, theirs: Any, tolerance: tuple[float, float], where: str) -> str | None:
    """Where two nested values of numbers differ, in words."""
    if isinstance(theirs, dict):
        if list(ours) != list(theirs):
            return f"{where}: keys {list(ours)} for {list(theirs)}"
        return next(filter(None, (difference(ours[k], theirs[k], tolerance, f"{where}.{k}") for k in theirs)), None)
    if isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{where}: {len(ours)} for {len(theirs)} entries"
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next(filter(None, (difference(a, b, tolerance, f"{where}[{i}]") for i, (a, b) in pairs)), None)
    if theirs is None or isinstance(theirs, (str, bool)):
        return None if ours == theirs else f"{where}: {ours} for {theirs}"
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape or (isinstance(theirs, np.ndarray) and a.dtype != b.dtype):
        return f"{where}: {a.dtype}{a.shape} for {b.dtype}{b.shape}"
    relative, absolute = tolerance
    off = np.abs(a - b) > absolute + relative * np.abs(b)
    return f"{where}: {a[off].ravel()[:3]} for {b[off].ravel()[:3]}" if off.any() else None


class Race:
    """One optimizer with one set of options in one dtype, in both libraries."""

    def __init__(self, subject: Any, cls: type, options: dict[str, Any], dtype: str) -> None:
        self.subject, self.name, self.dtype = subject, cls.__name__, dtype
        self.random = np.random.default_rng(5)
        shapes = SHAPES if self.name == "Muon" else SHAPES + VECTORS
        starts = [self.draw(shape) for shape in shapes]
        self.theirs = [torch.from_numpy(start.copy()).requires_grad_() for start in starts]
        self.ours = [subject.from_numpy(start.copy()).requires_grad_() for start in starts]
        self.options = options
        self.their_optimizer = cls(self.theirs, **options)
        self.our_optimizer = getattr(subject.optim, self.name)(self.ours, **subject_of(options, subject))
        self.tolerance = ROUGH.get(self.name, TOLERANCE[dtype])

    def draw(self, shape: tuple[int, ...]) -> Any:
        values = self.random.normal(size=shape)
        if self.dtype == "complex128":
            values = values + 1j * self.random.normal(size=shape)
        return np.asarray(values).astype(self.dtype)

    def step(self) -> None:
        """Both take a step by the same gradients; those that evaluate a function have the same one."""
        if self.name == "LBFGS":
            for optimizer, params in ((self.their_optimizer, self.theirs), (self.our_optimizer, self.ours)):
                optimizer.step(lambda optimizer=optimizer, params=params: self.valley(optimizer, params))
            return
        for at, (theirs, ours) in enumerate(zip(self.theirs, self.ours, strict=True)):
            # One parameter has no gradient at times; such are passed over.
            gradient = self.draw(tuple(theirs.shape)) + 0.3 * theirs.detach().numpy()
            skip = at == 1 and self.random.random() < 0.2
            theirs.grad = None if skip else torch.from_numpy(np.asarray(gradient, dtype=self.dtype))
            ours.grad = None if skip else self.subject.from_numpy(np.asarray(gradient, dtype=self.dtype).copy())
        self.their_optimizer.step()
        self.our_optimizer.step()

    def valley(self, optimizer: Any, params: list[Any]) -> Any:
        """A smooth function with one minimum, whose curvature differs between elements."""
        optimizer.zero_grad()
        loss = sum(
            ((p - 0.5).abs() ** 2).sum() * (1 + at) + (p.abs() ** 2 + 1).sqrt().sum() for at, p in enumerate(params)
        )
        loss.backward()
        return loss

    def compare(self, at: int) -> str | None:
        ours, theirs = numbers(self.ours), numbers(self.theirs)
        found = difference(ours, theirs, self.tolerance, f"step {at}: parameters")
        states = numbers(self.our_optimizer.state_dict()), numbers(self.their_optimizer.state_dict())
        if self.name == "LBFGS":  # Its differences of gradients cancel near the minimum: the keys are compared.
            states = tuple({**s, "state": {k: sorted(v) for k, v in s["state"].items()}} for s in states)
        return found or difference(*states, self.tolerance, f"step {at}: state_dict")

    def exchange(self) -> None:
        """New optimizers for both, each from the other's state_dict."""
        from_theirs = subject_of(self.their_optimizer.state_dict(), self.subject)
        as_theirs = numbers(self.our_optimizer.state_dict())
        cls, options = type(self.their_optimizer), self.options
        self.their_optimizer = cls(self.theirs, **options)
        self.our_optimizer = getattr(self.subject.optim, self.name)(self.ours, **subject_of(options, self.subject))
        self.our_optimizer.load_state_dict(from_theirs)
        self.their_optimizer.load_state_dict(_tensors(as_theirs))

    def run(self) -> str | None:
        for at in range(STEPS):
            self.step()
            if found := self.compare(at):
                return found
            if at == STEPS // 2:
                self.exchange()
        return None


def _tensors(value: Any) -> Any:
    """NumPy's arrays as PyTorch's tensors."""
    if isinstance(value, (np.ndarray, np.generic)):
        return torch.from_numpy(np.asarray(value).copy())
    if isinstance(value, dict):
        return {key: _tensors(part) for key, part in value.items()}
    return [_tensors(part) for part in value] if isinstance(value, list) else value


def _infos() -> list[Any]:
    return [info for info in optim_db if info.optim_cls.__name__ != "SparseAdam"]


def races(subject: Any) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """Every optimizer, input and dtype."""
    for info in _infos():
        name = info.optim_cls.__name__
        options = [given.kwargs for given in info.optim_inputs_func(device="cpu")] + MORE.get(name, [])
        for given, dtype in itertools.product(options, TOLERANCE):
            if _can_race(name, given, dtype):
                yield f"{name} {given} {dtype}", lambda i=info, g=given, d=dtype: Race(subject, i.optim_cls, g, d).run()


def _can_race(name: str, options: dict[str, Any], dtype: str) -> bool:
    if dtype == "complex128" and (name in ("Muon", "Adafactor") or options.get("fused")):
        return False
    # A line search takes as many turns as rounding lets it.
    return not (options.get("capturable") or (name == "LBFGS" and dtype == "float32"))


def _raised(make: Callable[[], Any]) -> Exception | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            make()
        except Exception as error:  # Its class is what is compared.
            return error
    return None


def _refusal(subject: Any, cls: type, wrong: Any) -> str | None:
    given, ours = wrong.optimizer_error_input, getattr(subject.optim, cls.__name__)
    params = given.params if given.params is not None else [torch.nn.Parameter(torch.ones(2, 2))]
    if isinstance(params, (list, torch.Tensor)):
        params = subject_of(params, subject) if isinstance(params, torch.Tensor) else _shared(params, subject)

    def make() -> None:
        optimizer = ours(params, **subject_of(given.kwargs, subject))
        if wrong.error_on is OptimizerErrorEnum.STEP_ERROR:
            optimizer.step()

    error = _raised(make)
    if isinstance(error, wrong.error_type) and re.search(wrong.error_regex, str(error)):
        return None
    return f"{error!r} for {wrong.error_type.__name__}: {wrong.error_regex}"


def _shared(value: Any, subject: Any, seen: dict[int, Any] | None = None) -> Any:
    """Nested parameters in the other library; one object stays one object."""
    seen = {} if seen is None else seen
    if isinstance(value, torch.Tensor):
        if id(value) not in seen:
            seen[id(value)] = subject_of(value, subject)
            if value.grad is not None:
                seen[id(value)].grad = subject_of(value.grad, subject)
        return seen[id(value)]
    if isinstance(value, dict):
        return {key: _shared(part, subject, seen) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_shared(part, subject, seen) for part in value)
    return value


def refusals(subject: Any) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """Every wrong input of the database."""
    for info in _infos():
        for wrong in info.optim_error_inputs_func("cpu", torch.float32):
            name = f"{info.optim_cls.__name__} refuses {wrong.optimizer_error_input.kwargs} {wrong.error_regex[:40]}"
            yield name, lambda i=info, w=wrong: _refusal(subject, i.optim_cls, w)


def _derivative(library: Any, name: str, options: dict[str, Any]) -> Any:
    """Of the sum of squares after two steps, by the gradients of both."""
    values = np.linspace(-1.0, 1.0, 6).reshape(2, 3) + 0.05
    start = library.from_numpy(values.copy()).requires_grad_()
    gradients = [library.from_numpy(values[::-1].copy() * scale).requires_grad_() for scale in (1.0, 0.7)]
    p = start.clone()
    optimizer = getattr(library.optim, name)([p], differentiable=True, **options)
    for gradient in gradients:
        p.grad = gradient
        optimizer.step()
    (p**2).sum().backward()
    return numbers([start.grad, *(gradient.grad for gradient in gradients)])


def derivatives(subject: Any) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """Differentiable steps, where PyTorch has them; with its formula, two of them."""

    def compare(name: str, options: dict[str, Any]) -> str | None:
        try:
            theirs = _derivative(torch, name, options)
        except RuntimeError:  # A step of PyTorch's that overwrites what its own derivative needs.
            return None
        # PyTorch's counters, and what follows from them, are float32 tensors there.
        return difference(_derivative(subject, name, options), theirs, (2e-5, 1e-7), "derivative")

    for info in _infos():
        name = info.optim_cls.__name__
        if "differentiable" in inspect.signature(info.optim_cls).parameters:
            for options in ({}, {"weight_decay": 0.1}) if name != "Rprop" else ({},):
                yield f"{name} {options} differentiable", lambda n=name, o=options: compare(n, o)


def main() -> int:
    """Compares everything; 0 when nothing differs."""
    from tests.conformance.lists import lists, scalings
    from tests.conformance.schedules import schedules

    parser = argparse.ArgumentParser(prog="python -m tests.conformance.optimizers")
    parser.add_argument("--subject", default="tapeless")
    parser.add_argument("--only", default="", help="names that contain this")
    arguments = parser.parse_args()
    subject = importlib.import_module(arguments.subject)
    counts = {}
    different = 0
    for family in (races, refusals, derivatives, schedules, lists, scalings):
        counts[family.__name__] = 0
        for name, compare in family(subject):
            if arguments.only not in name:
                continue
            counts[family.__name__] += 1
            try:
                found = compare()
            except Exception as error:  # One failure must not hide the others.
                found = f"raises {type(error).__name__}: {error}"
            if found:
                different += 1
                print(f"DIFFERENT from PyTorch: {name}: {found}"[:400], flush=True)
    total = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"optimizers against PyTorch {torch.__version__}: {total}; {different} different")
    return 1 if different or not all(counts.values()) and not arguments.only else 0


if __name__ == "__main__":
    sys.exit(main())
