# torch.fx.node: the type of a traced call, and the helpers over nested arguments.
"""Types for isinstance and annotations; `map_arg` over nested arguments, none of which holds a node."""

from collections.abc import Callable
from typing import Any

from tapeless import _doors

Node = _doors.kind("Node", "torch.fx", "torch.fx.Node: functions are not traced here; call the module itself")
Argument = Any
Target = Callable[..., Any] | str
has_side_effect = _doors.unchanged


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """The nested tuples, lists, dicts and slices with the function applied to what they hold."""
    if isinstance(a, tuple):
        parts = [map_aggregate(x, fn) for x in a]
        return type(a)(*parts) if hasattr(a, "_fields") else tuple(parts)
    if isinstance(a, list):
        return [map_aggregate(x, fn) for x in a]
    if isinstance(a, dict):
        return {key: map_aggregate(x, fn) for key, x in a.items()}
    if isinstance(a, slice):
        return slice(map_aggregate(a.start, fn), map_aggregate(a.stop, fn), map_aggregate(a.step, fn))
    return fn(a)


def map_arg(a: Any, fn: Callable[[Any], Any]) -> Any:
    """The nested arguments with the function applied to each node in them."""
    return map_aggregate(a, lambda x: fn(x) if isinstance(x, Node) else x)
