# Other shapes of the same elements: flattened, moved, broadcast.
"""Functions of shape made of views."""

import builtins
import math
from typing import Any

import tapeless
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
    "resize",
    "resize_",
    "resize_as",
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
    if len(sizes) == 0:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = math.prod(size for size in sizes if size != -1)
    if known != shape[at] if -1 not in sizes else known and shape[at] % known:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[at]}) in the "
            "input tensor"
        )
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


def _format_name(memory_format: Any, of: Any = None) -> str:
    """The name of the format for new sizes: the one given; to be preserved is that of a tensor."""
    name = "contiguous_format" if memory_format is None else memory_format._name
    if name != "preserve_format":
        return name
    if of is None:
        raise RuntimeError(
            "Unsupported memory formatPreserve: sizes alone have no format to keep; leave memory_format out"
        )
    form = {4: tapeless.channels_last, 5: tapeless.channels_last_3d}.get(of.dim())
    return (
        form._name if form and of.is_contiguous(memory_format=form) and not of.is_contiguous() else "contiguous_format"
    )


def resize_(input: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Gives the tensor other sizes; its storage grows if it must. No derivative."""
    sizes = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
    return _core._resize(input, sizes, _format_name(memory_format))


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Gives the tensor another's size; its storage grows if it must. No derivative."""
    return _core._resize(input, the_template.shape, _format_name(memory_format, the_template))


def resize(input: Tensor, *size: Any) -> Tensor:
    """As many elements in other sizes, in row-major order: deprecated, use reshape. Derivative: that of reshape."""
    sizes = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    if math.prod(sizes) != input.numel():
        raise RuntimeError(
            f"requested resize to {'x'.join(map(str, sizes))} ({math.prod(sizes)} elements in total), but the given "
            f"tensor has a size of {'x'.join(map(str, input.shape))} ({input.numel()} elements). autograd's resize can "
            "only change the shape of a given tensor, while preserving the number of elements."
        )
    return input.contiguous().view(*sizes)


def resize_as(input: Tensor, tensor: Tensor) -> Tensor:
    """resize to the size of another tensor. Derivative: that of reshape."""
    return resize(input, tensor.shape)
