# What functions written in Python share with the core's reader of arguments: NumPy's names, out=.
"""Arguments that every public function takes alike."""

import functools
import inspect
from typing import Any

from tapeless import _core
from tapeless._core import Tensor

_ALIASES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "self": "input"}


def accepts_numpy_names(function: Any) -> Any:
    """Lets a function take `axis` for `dim`, `keepdims` for `keepdim` and `x` for `input`, as the core's do."""
    own = inspect.signature(function).parameters
    aliases = {alias: name for alias, name in _ALIASES.items() if alias not in own and name in own}

    def renamed(kwargs: dict[str, Any]) -> dict[str, Any]:
        taken = {aliases.get(name, name): value for name, value in kwargs.items()}
        return taken if len(taken) == len(kwargs) else kwargs

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **renamed(kwargs)) if kwargs else function(*args)

    return called


def into_out(name: str, out: Any, result: Tensor) -> Tensor:
    """The result, written into out= if that was given."""
    if out is None:
        return result
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if _core.is_grad_enabled() and (out.requires_grad or result.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    _core._write_out(out, result)
    return out
