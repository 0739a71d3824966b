# torch.jit: TorchScript is out of scope; its decorators leave Python as it is, and the rest says so.
"""A program that decorates with `jit.script` runs as the Python that it is. What would record or store it refuses."""

from collections.abc import Callable
from typing import Any, Final

from tapeless import _doors
from tapeless.futures import Future

_WHY = "torch.jit.{}: TorchScript is out of scope; "

globals().update(_doors.answers("is_scripting is_tracing onednn_fusion_enabled", False))
globals().update(_doors.answers("enable_onednn_fusion set_fusion_strategy", None))
globals().update(
    _doors.refusals("trace trace_module freeze", RuntimeError, _WHY + "call the function or the module itself")
)
globals().update(
    _doors.refusals(
        "save load jit_module_from_flatbuffer",
        RuntimeError,
        _WHY + "store a module by torch.save(module.state_dict(), path) and load_state_dict",
    )
)
_NONE = "torch.jit.{}: TorchScript is out of scope, nothing is one"
globals().update(_doors.kinds("ScriptModule ScriptFunction RecursiveScriptModule CompilationUnit", "torch.jit", _NONE))
TopLevelTracedModule = TracedModule = ScriptModule  # type: ignore[name-defined]  # noqa: F821
unused = ignore = export = script_method = interface = strict_fusion = _doors.unchanged
script_if_tracing = _script_if_tracing = optimize_for_inference = _overload = _overload_method = _doors.unchanged


class Error(RuntimeError):
    """What TorchScript raises; never raised here."""


class TracerWarning(Warning):
    """What tracing warns of; never given here."""

    @staticmethod
    def ignore_lib_warnings() -> None:
        """Nothing to ignore."""


def script(obj: Any, optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None) -> Any:
    """The function, module or class itself: Python runs it."""
    return obj


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's isinstance, which takes types such as `list[int]` by their origin."""
    import builtins
    import typing

    types = target_type if builtins.isinstance(target_type, (tuple, list)) else (target_type,)
    return builtins.isinstance(obj, tuple(typing.get_origin(kind) or kind for kind in types))


class Attribute:
    """A value with the type that TorchScript would give it."""

    def __init__(self, value: Any, type: Any) -> None:
        self.value, self.type = value, type


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
    """A future that holds the result already: the function runs at once, as PyTorch's does outside of TorchScript."""
    future = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future: Future) -> Any:
    """The result of a future."""
    return future.wait()


from tapeless.jit import annotations  # noqa: E402

__all__ = ["Attribute", "Error", "Final", "Future", "annotate", "annotations", "fork", "isinstance", "script", "wait"]
