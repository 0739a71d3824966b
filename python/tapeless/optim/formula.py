# The one step that the optimizers of this package share, around each one's formula.
"""From an optimizer's formula to its `step`.

A file of an optimizer holds a function that changes lists of parameters by lists of gradients and of state, which is
the formula, and a class that names the options, makes the first state, and calls the function. All else is here.

`foreach`, `fused` and `capturable` are accepted everywhere and change nothing: one loop over the parameters, whose
operations the core fuses, is the fastest form there is here.
"""

from collections.abc import Iterable
from itertools import repeat
from typing import Any

import tapeless as torch
from tapeless import Tensor
from tapeless.optim.optimizer import (
    Optimizer,
    ParamsT,
    _get_scalar_dtype,
    _to_scalar,
    _use_grad_for_differentiable,
)


def check(name: str, value: Any, valid: bool) -> None:
    """ValueError for an option that is out of its range."""
    if not valid:
        raise ValueError(f"Invalid {name}: {value}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """Decay rates of moments lie in [0, 1)."""
    for at, beta in enumerate(betas):
        check(f"beta parameter at index {at}", beta, 0.0 <= beta < 1.0)


def chosen(group: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those options of a group, as keyword arguments of a formula."""
    return {name: group[name] for name in names}


def number(x: Any) -> Any:
    """A Python number where nobody asks for a gradient by x; the tensor, without dimensions, where somebody does."""
    if not isinstance(x, Tensor):
        return x
    return _to_scalar(x) if x.requires_grad and torch.is_grad_enabled() else x.item()


def zeros_like(p: Tensor) -> Tensor:
    """State of a parameter's shape and strides, all zero."""
    return torch.zeros_like(p, memory_format=torch.preserve_format)


def counter(value: float = 0.0) -> Tensor:
    """A number of the state, as checkpoints hold it: a 0-dimensional tensor."""
    return torch.tensor(float(value), dtype=_get_scalar_dtype())


def advance(step: Tensor) -> float:
    """Count a step and return its number, which begins at 1."""
    step += 1
    return step.item()


def descend(p: Tensor, numerator: Tensor, denominator: Tensor, rate: Any) -> None:
    """p -= rate * numerator / denominator, elementwise and in place."""
    if isinstance(rate, Tensor):
        p.sub_(rate * numerator / denominator)
    else:
        p.addcdiv_(numerator, denominator, value=-rate)


def move(p: Tensor, direction: Tensor, rate: Any) -> None:
    """p -= rate * direction, in place."""
    if isinstance(rate, Tensor):
        p.sub_(rate * direction)
    else:
        p.add_(direction, alpha=-rate)


def snapshot(moment: Tensor) -> Tensor:
    """A moment as a graph may keep it while later steps change it; the moment itself where there is no graph."""
    return moment.clone() if moment.requires_grad else moment


def _real(x: Any) -> Any:
    return torch.view_as_real(x) if isinstance(x, Tensor) and x.is_complex() else x


def each(
    params: list[Tensor], grads: list[Tensor], *columns: Any, maximize: bool = False, weight_decay: Any = 0
) -> Iterable[tuple[Any, ...]]:
    """For each parameter: itself, its gradient as the formula takes it, and its part of each column of state.

    Complex parameters come as pairs of reals. `maximize` turns the gradient round; `weight_decay` adds that much of
    the parameter to it, the gradient of weight_decay * |p|² / 2. An empty column gives None.
    """
    rows = zip(params, grads, *[column or repeat(None) for column in columns], strict=False)
    decays = isinstance(weight_decay, Tensor) or weight_decay != 0
    if maximize or decays or any(p.is_complex() for p in params):
        return (_changed(row, maximize, weight_decay if decays else None) for row in rows)
    return rows


def _changed(row: tuple[Any, ...], maximize: bool, weight_decay: Any) -> tuple[Any, ...]:
    p, g, *state = row
    if maximize:
        g = -g
    if p.is_complex():
        p, g, *state = map(_real, (p, g, *state))
    if isinstance(weight_decay, Tensor):
        g = g + weight_decay * p
    elif weight_decay is not None:
        g = g.add(p, alpha=weight_decay)
    return p, g, *state


class FormulaOptimizer(Optimizer):
    """An optimizer whose step is a formula for each parameter by itself.

    A subclass has `COLUMNS`, the keys of its state in the order of a checkpoint, and `_apply`.
    """

    COLUMNS: tuple[str, ...] = ()

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        lr, foreach, fused = defaults["lr"], defaults.get("foreach"), defaults.get("fused")
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        check("learning rate", lr, lr >= 0.0)
        if "weight_decay" in defaults:
            check("weight_decay value", defaults["weight_decay"], defaults["weight_decay"] >= 0.0)
        if fused and defaults.get("differentiable"):
            raise RuntimeError("`fused` does not support `differentiable`")
        if fused and foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Checkpoints of earlier versions lack options, and count steps in Python numbers."""
        super().__setstate__(state)
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)
        for entry in self.state.values():
            for key in ("step", "eta", "mu", "mu_product"):
                if isinstance(entry, dict) and isinstance(entry.get(key), (int, float)):
                    entry[key] = counter(entry[key])

    def _first_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        """The state of a parameter before its first step: a counter, and zeros for all other columns."""
        return {name: counter() if name == "step" else zeros_like(p) for name in self.COLUMNS}

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        """Call the formula with a group's options."""
        raise NotImplementedError(f"{type(self).__name__} has to call its formula")

    def _columns(self, group: dict[str, Any], params: list[Tensor]) -> list[list[Any]]:
        """The state of the parameters in lists, made where there is none yet."""
        states = [self.state[p] for p in params]
        for p, state in zip(params, states, strict=True):
            if not state:
                state.update(self._first_state(group, p))
        return [[state.get(name) for state in states] for name in self.COLUMNS]

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """One step; `closure`, if given, computes the loss (returned) and its gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        # Each operation below writes what the next one reads: deferring them would only compute things twice.
        with torch.fusion.settings(enabled=False):
            for group in self.param_groups:
                self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        pairs = [(p, g) for p in group["params"] if (g := p.grad) is not None]
        if pairs:
            params, grads = [p for p, _ in pairs], [g for _, g in pairs]
            self._apply(group, params, grads, *self._columns(group, params))
