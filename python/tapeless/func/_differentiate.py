# grad, vjp and jvp: derivatives of functions, forward and backward, at a level of their own.
"""Derivatives of functions. See the Note [Levels] of the core for how they nest."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.autograd.grad_mode import enable_grad
from tapeless.func._tree import flatten, tree_map

__all__ = ["grad", "grad_and_value", "jvp", "linearize", "vjp"]


@contextmanager
def _level(kind: str, examples: int = 0) -> Iterator[int]:
    """Opens a level for a scope; gives its depth."""
    depth = _core._open_level(kind, examples)
    try:
        yield depth
    finally:
        _core._close_level()


def _only_tensors(leaves: list[Any], what: str) -> None:
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise ValueError(f"{what}: expected only tensors, got {type(leaf).__name__}; wrap it in torch.tensor")


class _Reverse:
    """A function run once at a grad level; its gradients are taken afterwards."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], argnums: Any, has_aux: bool) -> None:
        self.outer = _core.is_grad_enabled()
        with _level("grad") as depth, enable_grad():
            self.depth = depth
            args = tuple(args)
            picked = argnums if isinstance(argnums, tuple) else (argnums,)
            for number in picked:
                if not -len(args) <= number < len(args):
                    raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
            inside = list(args)
            self.inputs: list[Tensor] = []
            self.builders = []
            for number in picked:
                leaves, build = flatten(args[number])
                _only_tensors(leaves, "grad")
                tracked = [_core._tracked_input(x, depth, self.outer) for x in leaves]
                self.builders.append((len(tracked), build))
                self.inputs += tracked
                inside[number] = build(tracked)
            result = function(*inside)
            self.aux = None
            if has_aux:
                if not isinstance(result, tuple) or len(result) != 2:
                    raise RuntimeError("has_aux=True: the function must return a tuple (output, aux)")
                result, self.aux = result
            self.outputs, self.build_output = flatten(result)
            self.result = result
            outside = self.outer and (depth > 1 or _core._reaches_outside(self.outputs, depth))
            self.connected = outside

    def gradients(self, seeds: list[Tensor] | None, keep_graph: bool = False) -> list[Tensor]:
        """The gradient for each input, zeros where the outputs do not depend on it."""
        roots = [(i, out) for i, out in enumerate(self.outputs) if isinstance(out, Tensor) and out.requires_grad]
        results: Any = [None] * len(self.inputs)
        wanted = [i for i, x in enumerate(self.inputs) if x.requires_grad]
        if roots and wanted:
            weights = None if seeds is None else [seeds[i] for i, _ in roots]
            found = _core.run_backward(
                [out for _, out in roots],
                weights,
                keep_graph or self.connected,
                self.connected,
                tuple(self.inputs[i] for i in wanted),
                True,
                False,
            )
            for i, g in zip(wanted, found, strict=True):
                results[i] = g
        return [self.input_zeros(x) if g is None else g for x, g in zip(self.inputs, results, strict=True)]

    @staticmethod
    def input_zeros(x: Tensor) -> Tensor:
        return _core.functions["_full"](x.shape, 0, x.dtype, x.device)

    def in_shape(self, gradients: list[Tensor], single: bool) -> Any:
        """Gradients in the structure of the arguments that they belong to."""
        trees, at = [], 0
        for count, build in self.builders:
            trees.append(build(gradients[at : at + count]))
            at += count
        return trees[0] if single else tuple(trees)

    def handed_out(self, tree: Any) -> Any:
        """Tensors of this level as the level around it sees them."""
        leaves, build = flatten(tree)
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        if self.connected:
            _core._lower_tracking(tensors, self.depth)
            return tree
        return build([_released(x) for x in leaves])


def _released(x: Any) -> Any:
    """A tensor without the tracking of a level that nothing outside asks about."""
    return _core._untracked(x) if isinstance(x, Tensor) and x.requires_grad else x


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns (gradient, value) of `func`, whose value is one number.

    `argnums` says for which positional arguments (an int or a tuple of ints) the gradient is returned; their
    structure may be nested. With `has_aux`, `func` returns (value, aux) and the result is (gradient, (value, aux)).
    Reverse mode. RuntimeError when the value is not a tensor with one element.
    """

    @functools.wraps(func)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        run = _Reverse(lambda *inside: func(*inside, **kwargs), args, argnums, has_aux)
        out = run.result
        if not isinstance(out, Tensor):
            raise RuntimeError(f"Expected f(*args) to return a Tensor, got type {type(out).__name__}")
        if out.dim():
            raise RuntimeError(
                f"Expected f(*args) to return a scalar tensor, got tensor with {out.dim()} dims. "
                "Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        gradients = run.in_shape(run.gradients(None), not isinstance(argnums, tuple))
        value = (out, run.aux) if has_aux else out
        return run.handed_out((gradients, value))

    return transformed


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the gradient of `func`, whose value is one number.

    As grad_and_value, without the value. With `has_aux` the result is (gradient, aux).
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        gradients, value = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return transformed


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(output, vjp_fn): the function's value, and the function from its cotangents to gradients of the primals.

    vjp_fn may be called more than once; it returns a tuple with one entry for each primal. With `has_aux`, `func`
    returns (output, aux) and the result is (output, vjp_fn, aux). Reverse mode.
    """
    run = _Reverse(func, primals, tuple(range(len(primals))), has_aux)
    _only_tensors(run.outputs, "vjp")
    kept = [x for x in run.outputs if x.requires_grad]
    _core._lower_tracking(kept, run.depth)
    result = run.build_output([_core._untracked(x) for x in run.outputs]) if not run.connected else run.result

    def vjp_fn(*cotangents: Any) -> Any:
        seeds, _ = flatten(cotangents[0] if len(cotangents) == 1 else cotangents)
        if len(seeds) != len(run.outputs):
            raise RuntimeError(
                f"vjp_fn: got {len(seeds)} cotangents, but the function returned {len(run.outputs)} tensors; "
                "give one cotangent of the same shape for each"
            )
        gradients = run.in_shape(run.gradients(seeds, keep_graph=True), False)
        if run.connected:
            return gradients
        return tree_map(_released, gradients)

    if not has_aux:
        return result, vjp_fn
    return result, vjp_fn, run.aux if run.connected else tree_map(_released, run.aux)


def jvp(func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], *, has_aux: bool = False) -> Any:
    """(output, tangent of the output): the derivative of `func` at `primals` along `tangents`.

    Both are tuples of the same structure; each tangent has the shape and dtype of its primal. With `has_aux`, `func`
    returns (output, aux) and the result is (output, tangent, aux). Forward mode: the tangent of every operation is
    the transpose of its derivative.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp: primals and tangents must be tuples; write jvp(f, (x,), (t,)) for one argument")
    points, build = flatten(primals)
    directions, _ = flatten(tangents)
    if len(points) != len(directions):
        raise RuntimeError(f"jvp: got {len(points)} primals and {len(directions)} tangents; give one for each")
    _only_tensors(points + directions, "jvp")
    with _level("jvp") as depth:
        pairs = [_core._make_dual(x, t, depth) for x, t in zip(points, directions, strict=True)]
        out = func(*build(pairs))
        aux = None
        if has_aux:
            out, aux = out
        leaves, build_output = flatten(out)
        _only_tensors(leaves, "jvp, outputs")
        parts = [_core._parts_of_dual(x, depth) for x in leaves]
        aux = tree_map(lambda x: _core._parts_of_dual(x, depth)[0] if isinstance(x, Tensor) else x, aux)
    values = build_output([x for x, _ in parts])
    along = build_output([_Reverse.input_zeros(x) if t is None else t for x, t in parts])
    return (values, along, aux) if has_aux else (values, along)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(output, jvp_fn): the function's value at the primals, and the function from tangents to the output's tangent.

    jvp_fn takes one tangent for each primal, of the same structure, and may be called for many. Each call runs `func`.
    """
    output = func(*primals)

    def jvp_fn(*tangents: Any) -> Any:
        if len(tangents) != len(primals):
            raise RuntimeError(f"linearize: got {len(tangents)} tangents for {len(primals)} primals; give one for each")
        return jvp(func, primals, tangents)[1]

    return output, jvp_fn
