# vmap: a function of one example applied to all examples at once.
"""Batching of functions. See the Note [Levels] of the core for how batches nest with derivatives."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.func._differentiate import _level
from tapeless.func._tree import broadcast_prefix, flatten

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Any:
    """The function that applies `func` to every example of its arguments at once.

    `in_dims` says for each argument along which dimension its examples lie (None: the same for all), as one int for
    all arguments or a structure like the arguments; `out_dims` says where the results' examples go. Tensors inside
    `func` have the shape of one example. `randomness`: "error" refuses random numbers inside, "same" draws them once
    for all examples, "different" for each, which runs `func` for one example after the other. With `chunk_size` so
    many examples are computed at a time, which bounds the memory. ValueError when the arguments disagree on the number
    of examples.
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    if randomness not in ("error", "same", "different"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if randomness == "different":  # each example is a batch of its own
        return vmap(func, in_dims, out_dims, "same", chunk_size=1)

    @functools.wraps(func)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        leaves, build = flatten(args)
        dims = broadcast_prefix(in_dims, args) if not isinstance(in_dims, int) else [in_dims] * len(leaves)
        examples = _examples(leaves, dims)
        if chunk_size is not None and chunk_size < examples:
            pieces = _chunks(leaves, dims, chunk_size)
            return _joined([transformed(*build(piece), **kwargs) for piece in pieces], out_dims)
        with _level("vmap" if randomness == "error" else "vmap, same numbers", examples) as depth:
            inside = [x if d is None else _core._batch(x, d, depth) for x, d in zip(leaves, dims, strict=True)]
            out = func(*build(inside), **kwargs)
            results, build_output = flatten(out)
            places = broadcast_prefix(out_dims, out) if not isinstance(out_dims, int) else [out_dims] * len(results)
            _only_tensors(results, getattr(func, "__name__", "f"))
            outside = [_core._unbatch(x, d, depth, examples) for x, d in zip(results, places, strict=True)]
        return build_output(outside)

    return transformed


def _chunks(leaves: list[Any], dims: list[Any], size: int) -> Iterator[list[Any]]:
    """The arguments of the first examples, of the next ones, and so on."""
    split = [None if d is None else x.split(size, d) for x, d in zip(leaves, dims, strict=True)]
    for at in range(max(len(parts) for parts in split if parts is not None)):
        yield [x if parts is None else parts[at] for x, parts in zip(leaves, split, strict=True)]


def _joined(results: list[Any], out_dims: Any) -> Any:
    """The results of all chunks, each tensor along its own dimension."""
    build = flatten(results[0])[1]
    columns = list(zip(*(flatten(result)[0] for result in results), strict=True))
    places = broadcast_prefix(out_dims, results[0]) if not isinstance(out_dims, int) else [out_dims] * len(columns)
    # What has no dimension of examples is the same in all chunks.
    return build(
        [
            column[0] if place is None else _core.functions["cat"](list(column), place)
            for column, place in zip(columns, places, strict=True)
        ]
    )


def _only_tensors(results: list[Any], name: str) -> None:
    for x in results:
        if not isinstance(x, Tensor):
            raise ValueError(
                f"vmap({name}): `{name}` must only return Tensors, got type {type(x)}. "
                "Did you mean to set out_dims= to None for output?"
            )


def _examples(leaves: list[Any], dims: list[Any]) -> int:
    sizes = []
    for x, d in zip(leaves, dims, strict=True):
        if d is None:
            continue
        if not isinstance(x, Tensor):
            raise ValueError(
                f"vmap: Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over "
                "non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -x.dim() <= d < x.dim():
            raise ValueError(
                f"vmap: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x.dim()} so "
                f"expected in_dim to satisfy -{x.dim()} <= in_dim < {x.dim()}."
            )
        sizes.append(x.shape[d])
    if not sizes:
        raise ValueError("vmap: at least one input must have a mapped dimension: in_dims has only None")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]
