# Maxima over windows that begin at pseudo-random places, so that sizes shrink by any factor (Graham 2014).
"""fractional_max_pool2d and fractional_max_pool3d."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless.composition import autocasts, composition
from tapeless.nn.functional._checks import need_tensor, spelled

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]

_SIDES = {2: ("height", "width"), 3: ("time", "height", "width")}


def _several(name: str, what: str, value: Any, rank: int) -> tuple[Any, ...]:
    numbers = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(numbers) != rank:
        raise RuntimeError(f"{name}: {what} must either be a single Int or tuple of {rank} Ints")
    return numbers


def _starts(samples: Any, size: int, count: int, kernel: int) -> Any:
    """Where `count` windows begin, [N, C, count], for numbers [N, C] of [0, 1)."""
    if count == 1:
        return tapeless.full((*samples.shape, 1), size - kernel)
    step = tapeless.tensor(float(size - kernel), dtype=samples.dtype) / (count - 1)
    places = tapeless.arange(count - 1, dtype=samples.dtype)
    first = ((places + samples.unsqueeze(-1)) * step).long() - (samples.unsqueeze(-1) * step).long()
    return tapeless.cat([first, tapeless.full((*samples.shape, 1), size - kernel)], -1)


def _windows(samples: Any, sizes: Any, kernel: Any, counts: Any) -> Any:
    """The elements of each window as numbers in its image: [N, C, windows, elements of a window]."""
    rank = len(sizes)
    lead = tuple(samples.shape)[:2]
    index = None
    for d in range(rank):
        drawn = samples[..., rank - 1 - d if rank == 2 else d]
        starts = _starts(drawn, sizes[d], counts[d], kernel[d])
        within = starts.unsqueeze(-1) + tapeless.arange(kernel[d])
        shape = [1] * (2 * rank)
        shape[d], shape[rank + d] = counts[d], kernel[d]
        within = within.reshape(*lead, *shape)
        index = within if index is None else index * sizes[d] + within
    full = index.expand(*lead, *counts, *kernel)
    return full.reshape(*lead, math.prod(counts), math.prod(kernel))


def _node(rank: int) -> Any:
    @composition(f"fractional_max_pool{rank}d")
    def pool(input: Any, samples: Any, kernel: Any, counts: Any) -> Any:
        sizes = tuple(input.shape)[-rank:]
        lead = tuple(input.shape)[:-rank]
        windows = _windows(samples, sizes, kernel, counts)
        flat = input.reshape(*samples.shape[:2], math.prod(sizes))
        members = flat.gather(2, windows.reshape(*samples.shape[:2], -1)).reshape(windows.shape)
        best = members.detach().argmax(-1, keepdim=True)
        values = members.gather(-1, best).reshape(*lead, *counts)
        return values.clone(), windows.gather(-1, best).reshape(*lead, *counts).clone()

    return pool


_NODES = {rank: autocasts("float32")(_node(rank)) for rank in (2, 3)}


def _counts(name: str, rank: int, input: Any, output_size: Any, output_ratio: Any) -> tuple[int, ...]:
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is not None:
        return _several(name, "output_size", output_size, rank)
    if isinstance(output_ratio, float):
        output_ratio = (output_ratio,) * rank
    if len(output_ratio) != rank:
        raise ValueError(f"{name} requires output_ratio to be {rank} numbers")
    return tuple(int(size * ratio) for size, ratio in zip(tuple(input.shape)[-rank:], output_ratio, strict=True))


def _pooled(rank: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any) -> Any:
    name = f"fractional_max_pool{rank}d"
    need_tensor(name, "input", 1, input)
    kernel = _several(name, "kernel_size", kernel_size, rank)
    counts = _counts(name, rank, input, output_size, output_ratio)
    if input.dim() not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"{name}: Expected {rank + 1}D or {rank + 2}D tensor with a channel dimension, but got input of size "
            f"{list(input.shape)}"
        )
    if not input.is_floating_point():
        raise NotImplementedError(
            f"\"{name}_out_frame\" not implemented for '{spelled(input)}': convert first, as with input.float()"
        )
    for side, size, k, count in zip(_SIDES[rank], tuple(input.shape)[-rank:], kernel, counts, strict=True):
        if count + k - 1 > size:
            raise RuntimeError(f"{name}(): pool {side} {k} too large relative to input {side} {size}")
    batch = 1 if input.dim() == rank + 1 else input.shape[0]
    if samples is None:
        samples = tapeless.rand(batch, input.shape[-rank - 1], rank, dtype=input.dtype, device=input.device)
    elif samples.dtype is not input.dtype:
        raise RuntimeError(f"Expect _random_samples to have the same dtype as input, but got {samples.dtype}")
    return _NODES[rank](input, samples[:batch], kernel, counts)


def _functions(rank: int) -> tuple[Any, Any]:
    def with_indices(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:
        return _pooled(rank, input, kernel_size, output_size, output_ratio, _random_samples)

    def pool(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:
        out = _pooled(rank, input, kernel_size, output_size, output_ratio, _random_samples)
        return out if return_indices else out[0]

    name = f"fractional_max_pool{rank}d"
    pool.__name__ = pool.__qualname__ = name
    with_indices.__name__ = with_indices.__qualname__ = f"{name}_with_indices"
    pool.__doc__ = (
        f"The largest of windows of the last {rank} dimensions, which begin at random places (Graham 2014).\n\n"
        "    output_size, or output_ratio of the input's size, says how many; _random_samples [N, C, dimensions]\n"
        "    replaces the numbers of [0, 1) that are drawn. Derivative: g goes to those elements.\n    "
    )
    with_indices.__doc__ = f"{name} with the places of the largest elements. {pool.__doc__}"
    return pool, with_indices


fractional_max_pool2d, fractional_max_pool2d_with_indices = _functions(2)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _functions(3)
