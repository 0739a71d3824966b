# jacrev, jacfwd and hessian: all derivatives of all outputs, backward and forward.
"""Matrices of derivatives, built from vjp and jvp along every direction at once."""

import functools
from collections.abc import Callable
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.func._differentiate import jvp, vjp
from tapeless.func._tree import flatten
from tapeless.func._vmap import vmap

__all__ = ["hessian", "jacfwd", "jacrev"]


def _directions(x: Tensor) -> Tensor:
    """One tensor of x's shape for each of its elements, with a 1 there and zeros elsewhere."""
    rows = tapeless.eye(x.numel(), dtype=x.dtype, device=x.device)
    return rows.reshape((x.numel(), *x.shape))


def _zeros(x: Tensor) -> Tensor:
    return tapeless.zeros(x.shape, dtype=x.dtype, device=x.device)


def _picked(args: tuple[Any, ...], argnums: Any) -> tuple[int, ...]:
    picked = argnums if isinstance(argnums, tuple) else (argnums,)
    for number in picked:
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
    return picked


def _of_arguments(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, picked: tuple[int, ...]) -> Any:
    """The function of the picked arguments only."""

    def function(*values: Any) -> Any:
        inside = list(args)
        for number, value in zip(picked, values, strict=True):
            inside[number] = value
        return func(*inside, **kwargs)

    return function


def jacrev(
    func: Callable[..., Any],
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """The function that returns the Jacobian of `func`: for an output [*O] and an input [*I], a tensor [*O, *I].

    Each tensor of the output's structure is replaced by the structure of the arguments that `argnums` picks. With
    `has_aux`, `func` returns (output, aux) and the result is (Jacobian, aux). Reverse mode: one backward for each
    element of the output, `chunk_size` of them at once (None: all).
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        picked = _picked(args, argnums)
        function = _of_arguments(func, args, kwargs, picked)
        output, back, *aux = vjp(function, *(args[i] for i in picked), has_aux=has_aux)
        leaves, build = flatten(output)

        def rows(place: int) -> Any:
            def along(direction: Tensor) -> Any:
                seeds = [direction if i == place else _zeros(x) for i, x in enumerate(leaves)]
                return back(build(seeds))

            found = _in_chunks(along, _directions(leaves[place]), chunk_size)
            parts, build_part = flatten(found)
            shape = leaves[place].shape
            tree = build_part([x.reshape((*shape, *x.shape[1:])) for x in parts])
            return tree if isinstance(argnums, tuple) else tree[0]

        result = build([rows(place) for place in range(len(leaves))])
        return (result, aux[0]) if has_aux else result

    return transformed


def _in_chunks(along: Callable[[Tensor], Any], directions: Tensor, size: int | None) -> Any:
    if size is None or size >= len(directions):
        return vmap(along)(directions)
    parts = [vmap(along)(chunk) for chunk in directions.split(size)]
    columns = zip(*(flatten(part)[0] for part in parts), strict=True)
    return flatten(parts[0])[1]([tapeless.cat(list(column)) for column in columns])


def jacfwd(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The function that returns the Jacobian of `func`, as jacrev does, in forward mode.

    One tangent for each element of the input, all of them at once.
    """

    @functools.wraps(func)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        picked = _picked(args, argnums)
        function = _of_arguments(func, args, kwargs, picked)
        points, build = flatten(tuple(args[i] for i in picked))
        outputs: list[Any] = []
        columns = []
        for place, point in enumerate(points):

            def along(direction: Tensor, place: int = place) -> Any:
                tangents = [direction if i == place else _zeros(x) for i, x in enumerate(points)]
                _, tangent, *aux = jvp(function, build(points), build(tangents), has_aux=has_aux)
                parts, build_output = flatten(tangent)
                outputs[:] = [build_output, aux]
                return tuple(parts)

            moved = vmap(along, randomness=randomness, out_dims=-1)(_directions(point))
            columns.append([x.reshape((*x.shape[:-1], *point.shape)) for x in moved])

        def entry(output: int) -> Any:
            tree = build([column[output] for column in columns])
            return tree if isinstance(argnums, tuple) else tree[0]

        result = outputs[0]([entry(output) for output in range(len(columns[0]))])
        return (result, outputs[1][0]) if has_aux else result

    return transformed


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """The function that returns the second derivatives of `func`: forward mode over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)
