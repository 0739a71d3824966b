# Pieces of tensors along a dimension: split, chunk and their relatives.
"""Splitting into views."""

import builtins
from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "split",
    "tensor_split",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vsplit",
]
METHODS = (
    "chunk",
    "dsplit",
    "hsplit",
    "split",
    "tensor_split",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vsplit",
)

_f = _core.functions


def split(
    tensor: Tensor, split_size_or_sections: Any = None, dim: int = 0, *, split_size: Any = None
) -> tuple[Tensor, ...]:
    """Views of pieces of one size (the last may be smaller), or of listed sizes, along a dimension."""
    if split_size is not None:  # What the method calls it.
        split_size_or_sections = split_size
    if split_size_or_sections is None:
        raise TypeError("split() missing 1 required positional argument: 'split_size_or_sections'")
    size = tensor.size(dim)
    if not isinstance(split_size_or_sections, int):
        return _f["split_with_sizes"](tensor, sections_of(size, split_size_or_sections, dim), dim)
    return _f["_split"](tensor, piece_sizes(size, split_size_or_sections), dim)


def sections_of(size: int, given: Any, dim: int) -> list[int]:
    """Listed sizes of pieces, which must add up to the dimension's."""
    sections = list(given)
    if sum(sections) != size or any(s < 0 for s in sections):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension "
            f"{dim}), but got split_sizes={sections}"
        )
    return sections


def piece_sizes(size: int, step: int) -> list[int]:
    """Sizes of pieces of one size, but for the last."""
    if step < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
    if step == 0 and size != 0:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    return [builtins.min(step, size - at) for at in range(0, size, step)] if size else [0]


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` views of equal size along a dimension; the last may be smaller."""
    if input.dim() == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.size(dim)
    if size == 0:
        return _core.functions["split_with_sizes"](input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Like split, with pieces that autograd takes for copies."""
    return _f["_unsafe_split"](tensor, piece_sizes(tensor.size(dim), split_size), dim)


def unsafe_split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """split_with_sizes whose pieces may be written without the graph noticing. Derivative: that of split."""
    return _f["_unsafe_split_with_sizes"](input, sections_of(input.size(dim), split_sizes, dim), dim)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Like chunk, with pieces that autograd takes for copies."""
    size = input.size(dim)
    if size == 0:
        return _f["_unsafe_split"](input, [0] * chunks, dim)
    return unsafe_split(input, -(-size // chunks), dim)


def _the_one_given(name: str, *candidates: Any) -> Any:
    """What a caller gave under one of an argument's names. TypeError if that is nothing, or more than one."""
    given = [candidate for candidate in candidates if candidate is not None]
    if len(given) != 1:
        raise TypeError(f"{name}() received an invalid combination of arguments: give either indices or sections")
    return given[0]


def tensor_split(
    input: Tensor,
    indices_or_sections: Any = None,
    dim: int = 0,
    *,
    indices: Any = None,
    sections: int | None = None,
    tensor_indices_or_sections: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Views of pieces that differ by at most one in size, or that end at listed indices."""
    indices_or_sections = _the_one_given(
        "tensor_split", indices_or_sections, indices, sections, tensor_indices_or_sections
    )
    if isinstance(indices_or_sections, Tensor):
        if indices_or_sections.dtype != _core.int64:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                f"{indices_or_sections.dtype}"
            )
        indices_or_sections = indices_or_sections.tolist()
    size = input.size(dim)
    if isinstance(indices_or_sections, int):
        count = indices_or_sections
        if count <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {count}")
        least, more = divmod(size, count)
        ends = [i * least + builtins.min(i, more) for i in range(1, count)]
    else:
        ends = list(indices_or_sections)
    edges = [0, *ends, size]
    return tuple(_f["_slice"](input, dim, a, b) for a, b in zip(edges, edges[1:], strict=False))


def _split_along(name: str, input: Tensor, indices_or_sections: Any, dim: int, rank: int) -> Any:
    """tensor_split along one dimension, which a number must divide."""
    if input.dim() < rank:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {rank} dimension, but got a tensor with "
            f"{input.dim()} dimensions!"
        )
    if isinstance(indices_or_sections, int):
        size = input.size(dim)
        if indices_or_sections == 0 or size % indices_or_sections:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
                f"{size} is not divisible by the split_size {indices_or_sections}!"
            )
    elif not isinstance(indices_or_sections, (list, tuple)):
        raise TypeError(f"{name}() needs a number of sections or their ends, not {indices_or_sections!r}")
    return tensor_split(input, indices_or_sections, dim)


def hsplit(
    input: Tensor, indices_or_sections: Any = None, *, indices: Any = None, sections: int | None = None
) -> tuple[Tensor, ...]:
    """tensor_split along columns (along the only dimension of a vector)."""
    given = _the_one_given("hsplit", indices_or_sections, indices, sections)
    return _split_along("hsplit", input, given, 0 if input.dim() == 1 else 1, 1)


def vsplit(
    input: Tensor, indices_or_sections: Any = None, *, indices: Any = None, sections: int | None = None
) -> tuple[Tensor, ...]:
    """tensor_split along rows."""
    given = _the_one_given("vsplit", indices_or_sections, indices, sections)
    return _split_along("vsplit", input, given, 0, 2)


def dsplit(
    input: Tensor, indices_or_sections: Any = None, *, indices: Any = None, sections: int | None = None
) -> tuple[Tensor, ...]:
    """tensor_split along the third dimension."""
    given = _the_one_given("dsplit", indices_or_sections, indices, sections)
    return _split_along("dsplit", input, given, 2, 3)
