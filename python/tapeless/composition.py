# Compositions: operations written in Python that are one named node in the graph.
"""The decorator that gives a Python function PyTorch's name in the graph.

A composition records its interior as ordinary nodes and puts one node in front of them. The front has PyTorch's
name and shows the composition's inputs as its next functions; gradients pass it unchanged and go on into the
interior, so every order of derivative is that of the interior.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

from tapeless import _core
from tapeless._core import Tensor, bfloat16, float16, float32
from tapeless.overrides import _dispatch, _overriding

_HALVES = (float16, bfloat16)


def composition(name: str, saves: tuple[str, ...] = (), overload: int = 0) -> Callable[[Any], Any]:
    """Makes a function of tensors one node called `name` (as "gelu": GeluBackward0; `overload` is that number).

    Half types are computed in float32: converted once on the way in and rounded once on the way out.
    `saves` names what PyTorch's node saves.
    """
    node = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    node = re.sub(r"\d[a-z]", lambda found: found[0].upper(), node) + f"Backward{overload}"
    front = _core._front(node)

    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def composed(*args: Any, **kwargs: Any) -> Any:
            if _overridden(args):
                return _dispatch(composed, args, kwargs)
            first = args[0] if args else None
            if type(first) is Tensor and first.dtype in _HALVES:
                out = _in_float32(function, args, kwargs)
            else:
                out = function(*args, **kwargs)
            if type(out) is Tensor and out.grad_fn is not None:
                front(out, args)
            return out

        composed._saves = saves
        return composed

    return decorate


def _overridden(args: Any) -> bool:
    for x in args:
        kind = type(x)
        if kind is not Tensor and hasattr(kind, "__torch_function__") and _overriding((x,)):
            return True
    return False


def _in_float32(function: Any, args: Any, kwargs: Any) -> Any:
    half = args[0].dtype

    def widen(x: Any) -> Any:
        return x.to(float32) if isinstance(x, Tensor) and x.dtype in _HALVES else x

    out = function(*map(widen, args), **{key: widen(x) for key, x in kwargs.items()})
    return out.to(half) if out.dtype is float32 else out
