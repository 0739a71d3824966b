# torch.compiler: compile, and the decorators and questions around it.
"""Element-wise work is fused as it runs, so `compile` has nothing to switch on: it gives what runs the function."""

import contextlib
from collections.abc import Callable
from typing import Any

from tapeless import _doors

BACKENDS = ("cudagraphs", "inductor", "openxla", "tvm")  # What may be named; each means the same here.
DEBUG_BACKENDS = ("eager", "aot_eager", "aot_eager_decomp_partition", "aot_ts", "onnxrt")
MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")
STANCES = (
    "default",
    "force_eager",
    "eager_on_recompile",
    "fail_on_recompile",
    "eager_then_compile",
    "aot_eager_then_compile",
)

globals().update(_doors.answers("is_compiling is_dynamo_compiling is_exporting", False))
globals().update(_doors.answers("reset cudagraph_mark_step_begin", None))
allow_in_graph = assume_constant_result = nested_compile_region = _doors.unchanged


class InvalidBackend(RuntimeError):
    """A backend that does not exist, or that needs a graph to work on."""

    __module__ = "torch._dynamo.exc"


def _check(backend: Any, mode: str | None, options: Any) -> None:
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if mode is not None and mode not in MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(MODES)}")
    if backend is None or (isinstance(backend, str) and backend in BACKENDS + DEBUG_BACKENDS):
        return
    if callable(backend):
        raise InvalidBackend(
            f"Invalid backend: {backend!r} wants a graph of the whole function, and none is made here: functions run "
            "as they are written. Leave backend out."
        )
    raise InvalidBackend(f"Invalid backend: {backend!r}, see `torch._dynamo.list_backends()` for available backends.")


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
    **settings: Any,
) -> Any:
    """Checks its arguments, and gives back what runs the model.

    That is the function itself; for a module, one around it, as in PyTorch: its parameters' names begin with
    "_orig_mod.", and `_orig_mod` is the module.
    """
    _check(backend, mode, options)
    if model is None:
        return lambda model: compile(model, backend=backend, mode=mode, options=options, disable=disable)
    if not callable(model):
        raise RuntimeError(f"torch.compile: a function or a module is needed, not {type(model).__name__}")
    if disable or not hasattr(model, "named_parameters"):
        return model
    from tapeless._dynamo.eval_frame import OptimizedModule

    return model if isinstance(model, OptimizedModule) else OptimizedModule(model)


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function as it is, or a decorator that leaves one as it is: nothing is compiled."""
    return _doors.unchanged(fn)


def substitute_in_graph(original_fn: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    """A decorator that leaves its function as it is; the original one runs, as there is no graph to put it into."""
    return _doors.unchanged


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """The names that `compile(backend=)` takes."""
    return sorted(BACKENDS if exclude_tags else BACKENDS + DEBUG_BACKENDS)


def set_stance(stance: str = "default", *, skip_guard_eval_unsafe: bool = False, force_backend: Any = None) -> Any:
    """Checks the name, and changes nothing: a context manager, and a decorator that leaves its function as it is."""
    if stance not in STANCES:
        raise RuntimeError(f"invalid torch.compile stance {stance!r}; one of {', '.join(STANCES)} is needed")
    return _Stance()


class _Stance(contextlib.nullcontext):
    def __call__(self, function: Any) -> Any:
        return function
