# vmap: a function of one example applied to all examples at once.
"""Batching of functions. See the Note [Levels] of the core for how batches nest with derivatives."""

import functools
from collections.abc import Callable
from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.func._differentiate import _level
from tapeless.func._tree import broadcast_prefix, flatten

__all__ = ["vmap"]


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error") -> Any:
    """The function that applies `func` to every example of its arguments at once.

    `in_dims` says for each argument along which dimension its examples lie (None: the same for all), as one int for
    all arguments or a structure like the arguments; `out_dims` says where the results' examples go. Tensors inside
    `func` have the shape of one example. `randomness`: "error" refuses random numbers inside, "same" draws them once
    for all examples. ValueError when the arguments disagree on the number of examples.
    """
    if randomness not in ("error", "same"):
        raise ValueError(
            f"vmap: randomness={randomness!r}; 'error' and 'same' exist here: draw different numbers for the examples "
            "outside and pass them in"
        )

    @functools.wraps(func)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        leaves, build = flatten(args)
        dims = broadcast_prefix(in_dims, args) if not isinstance(in_dims, int) else [in_dims] * len(leaves)
        examples = _examples(leaves, dims)
        with _level("vmap" if randomness == "error" else "vmap, same numbers", examples) as depth:
            inside = [x if d is None else _core._batch(x, d, depth) for x, d in zip(leaves, dims, strict=True)]
            out = func(*build(inside), **kwargs)
            results, build_output = flatten(out)
            places = broadcast_prefix(out_dims, out) if not isinstance(out_dims, int) else [out_dims] * len(results)
            _only_tensors(results, getattr(func, "__name__", "f"))
            outside = [_core._unbatch(x, d, depth, examples) for x, d in zip(results, places, strict=True)]
        return build_output(outside)

    return transformed


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
