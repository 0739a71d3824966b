# Other shapes of the same elements: flattened, moved, broadcast.
"""Functions of shape made of views."""

import builtins
import math
from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "adjoint",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "flatten",
    "moveaxis",
    "movedim",
    "ravel",
    "resize_as_",
    "swapaxes",
    "swapdims",
    "unflatten",
]
METHODS = (
    "adjoint",
    "broadcast_to",
    "flatten",
    "moveaxis",
    "movedim",
    "ravel",
    "resize_as_",
    "swapaxes",
    "swapdims",
    "unflatten",
)

_f = _core.functions


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim to end_dim as one; the tensor itself when there is nothing to do."""
    rank = input.dim()
    if rank == 0:
        return input.reshape(1)
    start, end = _wrap(start_dim, rank), _wrap(end_dim, rank)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    shape = tuple(input.shape)
    return input.reshape(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def _wrap(dim: int, rank: int) -> int:
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    return dim % rank


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension seen as several; one of the sizes may be -1."""
    at = _wrap(dim, input.dim())
    shape = tuple(input.shape)
    return input.view(*shape[:at], *sizes, *shape[at + 1 :])


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return input.contiguous().view(-1)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """The view with dimensions moved to other places."""
    rank = input.dim()
    froms = [_wrap(d, rank) for d in ([source] if isinstance(source, int) else source)]
    tos = [_wrap(d, rank) for d in ([destination] if isinstance(destination, int) else destination)]
    if len(froms) != len(tos):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({source} dims) should contain the same "
            f"number of dims as destination ({destination} dims)"
        )
    for what, given, dims in (("source", source, froms), ("destination", destination, tos)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({given})")
    if rank == 0:
        return _f["_alias"](input)
    rest = iter([d for d in range(rank) if d not in froms])
    place = dict(zip(tos, froms, strict=True))
    return input.permute([place[d] if d in place else next(rest) for d in range(rank)])


moveaxis = movedim


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """The view with two dimensions swapped."""
    return input.transpose(axis0, axis1)


swapdims = swapaxes


def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the last two dimensions."""
    return input.transpose(-2, -1).conj()


def _at_least(name: str, shaped: Any, rank: str) -> Any:
    def atleast(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], Tensor):
            return shaped(tensors[0])
        return tuple(shaped(x) for x in (tensors[0] if len(tensors) == 1 else tensors))

    atleast.__name__ = atleast.__qualname__ = name
    atleast.__doc__ = f"Tensors with at least {rank}."
    return atleast


def _with_two(x: Tensor) -> Tensor:
    return x.reshape(1, 1) if x.dim() == 0 else x.unsqueeze(0) if x.dim() == 1 else x


def _with_three(x: Tensor) -> Tensor:
    if x.dim() == 2:
        return x.unsqueeze(-1)
    return x.reshape(1, 1, 1) if x.dim() == 0 else x.unsqueeze(0).unsqueeze(-1) if x.dim() == 1 else x


atleast_1d = _at_least("atleast_1d", lambda x: x.reshape(1) if x.dim() == 0 else x, "one dimension")
atleast_2d = _at_least("atleast_2d", _with_two, "two dimensions")
atleast_3d = _at_least("atleast_3d", _with_three, "three dimensions")


def broadcast_shapes(*shapes: Any) -> Any:
    """The size that tensors of these sizes broadcast to."""
    from tapeless._size import Size

    shapes = tuple((s,) if isinstance(s, int) else s for s in shapes)
    rank = builtins.max(len(s) for s in shapes)
    out = [1] * rank
    for shape in shapes:
        for i, size in enumerate(reversed(tuple(shape)), 1):
            if size != 1 and out[-i] not in (1, size):
                raise RuntimeError(
                    "Shape mismatch: objects cannot be broadcast to a single shape: " + ", ".join(map(str, shapes))
                )
            out[-i] = size if out[-i] == 1 else out[-i]
    return Size(out)


def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """The view that repeats dimensions of size 1."""
    return input.expand(size)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Views of one common size."""
    shape = broadcast_shapes(*(t.shape for t in tensors))
    return tuple(t.expand(shape) for t in tensors)


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Gives the tensor another's size; its storage grows if it must."""
    return _core._resize(input, the_template.shape)
