# torch._higher_order_ops: loops and branches over functions, as plain Python.
"""`map`, `scan`, `associative_scan`, `cond`, `while_loop`, `foreach_map`: all run as Python."""

from collections.abc import Callable
from typing import Any

import tapeless
from tapeless.utils import _pytree


def _slices(tree: Any, dim: int = 0) -> list[Any]:
    leaves, spec = _pytree.tree_flatten(tree)
    return [_pytree.tree_unflatten(parts, spec) for parts in zip(*(leaf.unbind(dim) for leaf in leaves), strict=True)]


def _stacked(trees: list[Any], dim: int = 0) -> Any:
    return _pytree.tree_map(lambda *parts: tapeless.stack(parts, dim), *trees)


def map(f: Callable[..., Any], xs: Any, *args: Any) -> Any:
    """f of each slice of xs along the first dimension, stacked."""
    return _stacked([f(x, *args) for x in _slices(xs)])


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()) -> Any:
    """One of two functions of the operands, by the condition."""
    return (true_fn if pred else false_fn)(*operands)


def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Any) -> Any:
    """Carries values through the body for as long as the condition holds of them."""
    carried = tuple(carried_inputs)
    while cond_fn(*carried):
        carried = body_fn(*carried)
        carried = carried if isinstance(carried, tuple) else (carried,)
    return carried


def scan(combine_fn: Callable[..., Any], init: Any, xs: Any, *, dim: int = 0, reverse: bool = False) -> tuple[Any, Any]:
    """The last carried value and the stacked results of `carry, y = combine_fn(carry, x)` over the slices of xs."""
    results = []
    steps = _slices(xs, dim)
    for x in reversed(steps) if reverse else steps:
        init, y = combine_fn(init, x)
        results.append(y)
    return init, _stacked(results[::-1] if reverse else results)


def associative_scan(
    combine_fn: Callable[..., Any], xs: Any, dim: int, reverse: bool = False, combine_mode: str = "pointwise"
) -> Any:
    """The running combination of the slices of xs, stacked."""
    steps = _slices(xs, dim)
    running = [(steps[-1] if reverse else steps[0])]
    for x in reversed(steps[:-1]) if reverse else steps[1:]:
        running.append(combine_fn(running[-1], x))
    return _stacked(running[::-1] if reverse else running, dim)


def foreach_map(op: Callable[..., Any], *operands: Any, **kwargs: Any) -> list[Any]:
    """The operation on each place of the lists of operands."""
    count = max(len(x) for x in operands if isinstance(x, (list, tuple)))
    columns = [x if isinstance(x, (list, tuple)) else [x] * count for x in operands]
    return [op(*values, **kwargs) for values in zip(*columns, strict=True)]
