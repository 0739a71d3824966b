# Operations written in Python: compositions that are one named node in the graph, and policies under autocast.
"""The decorator that gives a Python function PyTorch's name in the graph.

A composition records its interior as ordinary nodes and puts one node in front of them. The front has PyTorch's
name and shows the composition's inputs as its next functions; gradients pass it unchanged and go on into the
interior, so every order of derivative is that of the interior.

The front saves what PyTorch's node saves: it has `_saved_self` and the like, and a value that was written to in the
meantime is refused as there. Under saved-tensor hooks that set is packed, once, and there is no interior: backward
runs the body again on what the hooks give back.
"""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from tapeless import _core
from tapeless._core import Tensor, bfloat16, float16, float32
from tapeless.overrides import _dispatch, _overriding

_HALVES = (float16, bfloat16)
_RESULT = -1


def composition(name: str, saves: tuple[str, ...] = (), overload: int = 0) -> Callable[[Any], Any]:
    """Makes a function of tensors one node called `name` (as "gelu": GeluBackward0; `overload` is that number).

    Half types are computed in float32: converted once on the way in and rounded once on the way out.
    Of several results, a tuple, the node is that of the first.
    `saves` names what PyTorch's node saves: parameters ("self" is the first) and "result". Without it, and where
    PyTorch saves something else as well, the interior's own values are saved and packed.
    """
    node = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    node = re.sub(r"\d[a-z]", lambda found: found[0].upper(), node) + f"Backward{overload}"

    def decorate(function: Any) -> Any:
        places = _places(function, saves)
        names = list(saves) if places else []
        front, replay = _core._front(node, names), _core._replay(node, names)

        @functools.wraps(function)
        def composed(*args: Any, **kwargs: Any) -> Any:
            if _overridden(args):
                return _dispatch(composed, args, kwargs)
            first = args[0] if args else None
            half = type(first) is Tensor and first.dtype in _HALVES
            body = functools.partial(_in_float32, function) if half else function
            if places and _core._packs():
                return _packed(replay, places, body, args, kwargs)
            out = body(*args, **kwargs)
            first = out[0] if type(out) is tuple else out
            if type(first) is Tensor and first.grad_fn is not None:
                front(first, args, tuple(_value(place, args, kwargs, out) for place in places))
            return out

        composed._saves = saves
        return composed

    return decorate


def autocasts(policy: str) -> Callable[[Any], Any]:
    """States what a function does under autocast: its floating operands are converted, and its body runs without.

    "lower" is the precision of the context, "float32" is for what is sensitive. While autocast is off, a call is a
    call of the function itself.
    """

    def decorate(function: Any) -> Any:
        return functools.update_wrapper(_core._casting(policy, function), function)

    return decorate


def _places(function: Any, saves: tuple[str, ...]) -> list[tuple[int, str]]:
    """Position and name of each saved parameter; none if something saved is not at hand outside the body."""
    parameters = list(inspect.signature(function).parameters)
    places = []
    for name in saves:
        known = parameters[0] if name == "self" else name
        if known == "result":
            places.append((_RESULT, known))
        elif known in parameters:
            places.append((parameters.index(known), known))
        else:
            return []
    return places


def _value(place: tuple[int, str], args: Any, kwargs: Any, out: Any) -> Any:
    position, name = place
    if position == _RESULT:
        return out
    return args[position] if position < len(args) else kwargs.get(name)


def _packed(replay: Any, places: Any, body: Any, args: Any, kwargs: Any) -> Any:
    """The composition without an interior: its node packs what PyTorch's packs."""
    from tapeless.autograd import no_grad

    with no_grad():
        out = body(*args, **kwargs)
    inputs = tuple(x for x in (*args, *kwargs.values()) if isinstance(x, Tensor))
    if type(out) is not Tensor or not any(x.requires_grad for x in inputs):
        return out
    if any(out is x for x in inputs) or not (out.is_floating_point() or out.is_complex()):
        return body(*args, **kwargs)
    kept = tuple(_value(place, args, kwargs, out) for place in places)
    replay(out, inputs, kept, functools.partial(_run_again, _Call(body, args, kwargs, places)))
    return out


class _Call:
    """A call of a body without what its node saves, which comes back from the hooks."""

    def __init__(self, body: Any, args: Any, kwargs: Any, places: Any) -> None:
        self.body, self.args, self.kwargs, self.places = body, list(args), dict(kwargs), places
        self.tensors = [at for at, x in self._items() if isinstance(x, Tensor)]
        self.put([None] * len(places))

    def _items(self) -> Any:
        return [*enumerate(self.args), *self.kwargs.items()]

    def put(self, saved: Any) -> None:
        """Puts the saved values back where they were, or takes them away."""
        for (position, name), x in zip(self.places, saved, strict=True):
            if 0 <= position < len(self.args):
                self.args[position] = x
            elif name in self.kwargs:
                self.kwargs[name] = x

    def __getitem__(self, at: Any) -> Any:
        return self.kwargs[at] if isinstance(at, str) else self.args[at]

    def __setitem__(self, at: Any, x: Any) -> None:
        (self.kwargs if isinstance(at, str) else self.args)[at] = x

    def copy(self) -> Any:
        """The same call, to be changed."""
        return _Call.__new__(_Call)._take(self)

    def _take(self, other: Any) -> Any:
        self.body, self.places, self.tensors = other.body, other.places, other.tensors
        self.args, self.kwargs = list(other.args), dict(other.kwargs)
        return self


def _run_again(call: Any, saved: Any, g: Any, wanted: Any) -> Any:
    """The gradients of the call's tensors: its body recorded now, from the saved values."""
    from tapeless.autograd import enable_grad, grad

    higher = _core.is_grad_enabled()
    call = call.copy()
    call.put(saved)
    inputs = []
    with enable_grad():
        for at, want in zip(call.tensors, wanted, strict=True):
            if want:
                x = call[at]
                # A view: the gradient stops at it, and its own derivative goes on to x.
                call[at] = x.view_as(x) if higher else x.detach().requires_grad_()
                inputs.append(call[at])
        out = call.body(*call.args, **call.kwargs)
        found = iter(grad(out, inputs, g, create_graph=higher, allow_unused=True))
    return tuple(next(found) if want else None for want in wanted)


def _overridden(args: Any) -> bool:
    for x in args:
        kind = type(x)
        if kind is not Tensor and hasattr(kind, "__torch_function__") and _overriding((x,)):
            return True
    return False


def _in_float32(function: Any, *args: Any, **kwargs: Any) -> Any:
    half = args[0].dtype

    def widen(x: Any) -> Any:
        return x.to(float32) if isinstance(x, Tensor) and x.dtype in _HALVES else x

    def narrow(x: Any) -> Any:
        return x.to(half) if isinstance(x, Tensor) and x.dtype is float32 else x

    out = function(*map(widen, args), **{key: widen(x) for key, x in kwargs.items()})
    return tuple(map(narrow, out)) if type(out) is tuple else narrow(out)
