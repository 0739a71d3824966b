"""PyTorch's own results in float64, which judge between two roundings of a narrower dtype."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from .convert import tensors_in
from .library import Library

NARROW = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass
class Asked:
    """What a stage differentiated: positions among its results and gradients, and the gradients given."""

    outs: list[int]
    cotangents: list[torch.Tensor]
    pairs: list[int]
    directions: list[torch.Tensor]


def _widened(value: Any, narrow: torch.dtype, seen: dict[int, Any]) -> Any:
    """`value` with each tensor of the narrow dtype, and the dtype itself, in float64."""
    if isinstance(value, torch.Tensor):
        if value.dtype != narrow:
            return value
        if id(value) not in seen:
            seen[id(value)] = value.detach().double().requires_grad_(value.requires_grad)
        return seen[id(value)]
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
        return type(value)(_widened(item, narrow, seen) for item in value)
    if isinstance(value, dict):
        return {key: _widened(item, narrow, seen) for key, item in value.items()}
    return torch.float64 if value is narrow else value


class Precise:
    """One stage of one case, run by PyTorch in float64 when the first number is asked for."""

    def __init__(self, oracle: Library, case: Any, function: Callable[..., Any], in_place: bool) -> None:
        self.oracle, self.case, self.function, self.in_place = oracle, case, function, in_place
        self.asked: Asked | None = None
        self.results: dict[tuple[str, int], torch.Tensor | None] | None = None

    def of(self, name: str, number: int) -> Callable[[], torch.Tensor | None]:
        """The float64 counterpart of a result ("value"), "gradient" or "second" gradient by its number."""

        def exact() -> torch.Tensor | None:
            if self.results is None:
                self.results = {}
                try:
                    self._run()
                except Exception:  # what has no float64 form has no judge
                    pass
            return self.results.get((name, number))

        return exact

    def _keep(self, name: str, tensors: Any) -> None:
        assert self.results is not None
        for number, x in enumerate(tensors):
            self.results[name, number] = None if x is None else x.detach()

    def _run(self) -> None:
        narrow = NARROW.get(self.case.dtype)
        if narrow is None:
            return
        sample = self.case.sample
        given = _widened([sample.input, sample.args, sample.kwargs], narrow, {})
        inputs = [x for x in tensors_in(self.oracle, given) if x.requires_grad]
        first, args, kwargs = given
        torch.manual_seed(42)
        result = self.function(first.clone() if self.in_place else first, *args, **kwargs)
        outs = tensors_in(self.oracle, result)
        self._keep("value", outs)
        if self.asked is None:
            return
        cotangents = [g.detach().double().requires_grad_() for g in self.asked.cotangents]
        chosen = [outs[i] for i in self.asked.outs]
        grads = torch.autograd.grad(chosen, inputs, cotangents, create_graph=True, allow_unused=True)
        self._keep("gradient", grads)
        if self.asked.pairs:
            directions = [g.detach().double() for g in self.asked.directions]
            chosen = [grads[i] for i in self.asked.pairs]
            self._keep("second", torch.autograd.grad(chosen, inputs + cotangents, directions, allow_unused=True))
