# torch._dynamo: what programs ask of PyTorch's tracer, which is not here.
"""Nothing is traced: decorators leave functions as they are, and there is nothing to reset."""

import importlib
import sys
from typing import Any

from tapeless import _doors, _missing, compiler
from tapeless.compiler import allow_in_graph, assume_constant_result, disable, is_compiling, list_backends

globals().update(
    _doors.answers("reset reset_code_caches graph_break mark_dynamic mark_static maybe_mark_dynamic", None)
)
globals().update(_doors.answers("mark_static_address", None))
globals().update(
    _doors.refusals(
        "explain export", RuntimeError, "torch._dynamo.{}: functions run as they are written; there is no graph to show"
    )
)
forbid_in_graph = disallow_in_graph = run = _doors.unchanged

from tapeless._dynamo import backends, config, exc, utils  # noqa: E402


def optimize(backend: Any = "inductor", **settings: Any) -> Any:
    """A decorator: `torch.compile` with that backend."""
    return compiler.compile(backend=backend)


__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "backends",
    "config",
    "disable",
    "exc",
    "is_compiling",
    "list_backends",
    "optimize",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name == "OptimizedModule":  # A module of nn: imported when it is asked for.
        return importlib.import_module("tapeless._dynamo.eval_frame").OptimizedModule
    return _missing.find("tapeless._dynamo", name, sys._getframe(1))
