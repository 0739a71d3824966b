"""Lists of tensors and scaled losses against PyTorch, a part of `python -m tests.conformance.optimizers`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

BINARY = ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "clamp_max", "clamp_min")
# Of Adam's kin for tensors of several devices: nobody asks for it.
LEFT_OUT = ("_foreach_powsum",)


def _list(library: Any, shift: float = 0.0) -> list[Any]:
    return [library.tensor([0.3 + shift, 0.5]), library.tensor([[0.1, 0.2 + shift], [0.7, 0.9]])]


def _arguments(library: Any, name: str, kind: int) -> tuple[Any, ...]:
    """The second and third operands in one of their forms: lists, a number, numbers, a tensor."""
    second = [_list(library, 0.1), 2.0, [0.5, 2.0], library.tensor(0.5)][kind]
    if name in BINARY:
        return (second,)
    if name in ("addcmul", "addcdiv"):
        values = [1, 0.5, [0.5, 2.0], library.tensor([0.5, 2.0])]
        return (_list(library, 0.2), _list(library, 0.1), values[kind])
    if name == "lerp":
        return (_list(library, 0.2), [_list(library, 0.1), 0.5, [0.5, 0.2], 0.5][kind])
    return (_list(library, 0.2),) if name == "copy" else ()


def _outcome(library: Any, function: str, kind: int) -> Any:
    """The numbers that a call gives or writes, or the name of its error."""
    name, first = function.removeprefix("_foreach_").rstrip("_"), _list(library)
    arguments = _arguments(library, name, kind)
    if name == "mm":
        first, arguments = first[1:], (_list(library, 0.2)[1:],)
    try:
        result = getattr(library, function)(first, *arguments)
    except Exception as error:  # Its class is what is compared.
        return type(error).__name__
    tensors = first if function.endswith("_") else result
    return [number for tensor in tensors for number in tensor.flatten().tolist()]


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str) or len(ours) != len(theirs):
        return ours == theirs
    return all(math.isclose(a, b, rel_tol=2e-6, abs_tol=1e-7) for a, b in zip(ours, theirs, strict=True))


def lists(subject: Any) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """Every `_foreach_*` function of PyTorch, in every form of its operands."""

    def compare(function: str, kind: int) -> str | None:
        ours, theirs = (_outcome(library, function, kind) for library in (subject, torch))
        return None if _same(ours, theirs) else f"{ours} for {theirs}"

    for function in dir(torch):
        if function.startswith("_foreach_") and function not in LEFT_OUT:
            for kind in range(4):
                yield f"{function} form {kind}", lambda f=function, k=kind: compare(f, k)


def _scaled(library: Any, losses: list[float], unscale: bool) -> list[Any]:
    """The scale, the state and the parameter after each of several steps; a loss may be infinite."""
    p = library.ones(2, requires_grad=True)
    optimizer = library.optim.SGD([p], lr=0.1, momentum=0.9)
    scaler = library.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    seen = []
    for factor in losses:
        optimizer.zero_grad()
        scaler.scale((p * factor).sum()).backward()
        if unscale:
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        seen += [*scaler.state_dict().values(), *p.tolist()]
        state = scaler.state_dict()
        scaler = library.amp.GradScaler("cpu")
        scaler.load_state_dict(state)
    return seen


def scalings(subject: Any) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """Steps with scaled losses, some of them infinite or not a number."""

    def compare(losses: list[float], unscale: bool) -> str | None:
        ours, theirs = (_scaled(library, losses, unscale) for library in (subject, torch))
        return None if _same(ours, theirs) else f"{ours} for {theirs}"

    for losses in ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, math.inf, 2.0, 2.0, 2.0], [math.nan, math.inf, 1.0, 2.0]):
        for unscale in (False, True):
            yield f"GradScaler {losses} {unscale}", lambda f=losses, u=unscale: compare(f, u)
