"""PyTorch with one planted fault: the subject on which the harness proves that it sees faults."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch

# The planted fault; a worker process gets it from the environment.
plant = os.environ.get("TAPELESS_CONFORMANCE_PLANT", "")


def _raise(kind: type[Exception]) -> Any:
    raise kind("planted")


def _hooked(out: torch.Tensor, hook: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    if out.requires_grad:
        out.register_hook(hook)
    return out


def _as_other_class(*args: Any, **kwargs: Any) -> Any:
    try:
        return torch.dot(*args, **kwargs)
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def _behind_the_version_counter(x: torch.Tensor) -> torch.Tensor:
    x.data.neg_()
    return x


def _transposed_layout(x: torch.Tensor, y: Any) -> torch.Tensor:
    out = torch.mul(x, y)
    return out.mT.contiguous().mT if out.dim() > 1 else out


# Each row: the fault's name, the OpInfo that shows it, the function replaced, its replacement, and
# the stage in which the harness must report it.
PLANTS: tuple[tuple[str, str, str, Callable[..., Any], str], ...] = (
    ("value", "exp", "exp", lambda x: torch.exp(x) * (1 + 1e-4), "value"),
    ("dtype", "sum", "sum", lambda x, *a, **k: torch.sum(x, *a, **k).double(), "dtype"),
    ("shape", "mean", "mean", lambda x, *a, **k: torch.mean(x, *a, **k)[None], "shape"),
    ("stride", "mul", "mul", _transposed_layout, "stride"),
    ("container", "max.reduction_with_dim", "max",
     lambda x, *a, **k: tuple(torch.max(x, *a, **k)), "container"),
    ("copy for a view", "t", "t", lambda x: torch.t(x).clone(), "view"),
    ("view for a copy", "clone", "clone", lambda x, **k: x.view_as(x), "view"),
    ("new object", "contiguous", "Tensor.contiguous", lambda x, **k: x.clone(), "method"),
    ("node name", "neg", "neg", lambda x: torch.mul(x, -1), "node"),
    ("dropped graph", "sin", "sin", lambda x: torch.sin(x).detach(), "node"),
    ("gradient", "cos", "cos", lambda x: _hooked(torch.cos(x), lambda g: g * 1.01), "gradient"),
    ("second gradient", "tanh", "tanh",
     lambda x: _hooked(torch.tanh(x), lambda g: 2 * g - g.detach()), "second"),
    ("out of place", "neg", "Tensor.neg_", lambda x: x.neg(), "inplace"),
    ("version", "neg", "Tensor.neg_", _behind_the_version_counter, "inplace"),
    ("method", "abs", "Tensor.abs", lambda x: torch.abs(x) + 1, "method"),
    ("operands in a lambda", "where", "where", lambda c, x, y: torch.where(c, y, x), "value"),
    ("error class", "dot", "dot", _as_other_class, "error"),
    ("raised for nothing", "sqrt", "sqrt", lambda x: _raise(RuntimeError), "call"),
    ("missing", "expm1", "expm1", lambda x: _raise(AttributeError), "call"),
)  # fmt: skip


def _replacement(path: str) -> Callable[..., Any] | None:
    for name, _, replaced, function, _ in PLANTS:
        if name == plant and replaced == path:
            return function
    if plant == "crash" and path == "exp":
        return lambda *args, **kwargs: os.abort()
    return None


class _TensorType(type):
    """Stands for `torch.Tensor`, but for the planted method."""

    def __getattr__(cls, name: str) -> Any:
        return _replacement(f"Tensor.{name}") or getattr(torch.Tensor, name)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, torch.Tensor)


class Tensor(metaclass=_TensorType):
    """See `_TensorType`."""


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)  # this is a plain module, whatever PyTorch is
    return _replacement(name) or getattr(torch, name)
