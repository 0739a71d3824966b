# Functions with several forms or made of other functions, the rest of the torch namespace.
"""Public functions that are not one operation of the core: overloads and compositions."""

import math
from typing import Any, NamedTuple

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "adjoint",
    "allclose",
    "argwhere",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "chunk",
    "column_stack",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "equal",
    "flatten",
    "hsplit",
    "hstack",
    "imag",
    "is_complex",
    "is_floating_point",
    "is_nonzero",
    "is_tensor",
    "isclose",
    "isinf",
    "isreal",
    "max",
    "min",
    "moveaxis",
    "movedim",
    "nonzero",
    "numel",
    "positive",
    "ravel",
    "real",
    "resize_as_",
    "resolve_conj",
    "resolve_neg",
    "result_type",
    "row_stack",
    "scatter",
    "split",
    "swapaxes",
    "swapdims",
    "tensor_split",
    "unflatten",
    "unsafe_chunk",
    "unsafe_split",
    "vsplit",
    "vstack",
    "where",
]

_f = _core.functions


class max_result(NamedTuple):
    """Values and indices of a maximum along a dimension."""

    values: Tensor
    indices: Tensor


class min_result(NamedTuple):
    """Values and indices of a minimum along a dimension."""

    values: Tensor
    indices: Tensor


def _printed(kind: str) -> Any:
    def text(self: Any) -> str:
        return f"torch.return_types.{kind}(\nvalues={self.values!r},\nindices={self.indices!r})"

    return text


max_result.__repr__ = _printed("max")  # type: ignore[method-assign]
min_result.__repr__ = _printed("min")  # type: ignore[method-assign]


def _extreme(name: str, result: Any) -> Any:
    whole, along, pair = _f[f"_{name}_all"], _f[f"_{name}_dim"], _f[f"{name}imum"]

    def extreme(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        other = args[0] if args else kwargs.get("other")
        if isinstance(other, Tensor):
            return pair(input, other, out=out)
        if not args and not kwargs:
            return whole(input)
        values, indices = along(input, *args, **kwargs)
        if out is not None:
            values, indices = _into(out[0], values), _into(out[1], indices)
        return result(values, indices)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = (
        f"{name}(input), {name}(input, dim, keepdim=False) or {name}(input, other): of all elements (equal ones share "
        "the gradient), along a dimension with indices (the first of equal ones takes it), or of two tensors."
    )
    return extreme


def _into(out: Tensor, value: Tensor) -> Tensor:
    _core._write_out(out, value)
    return out


max = _extreme("max", max_result)
min = _extreme("min", min_result)


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of pieces of one size (the last may be smaller), or of listed sizes, along a dimension."""
    size = tensor.size(dim)
    if not isinstance(split_size_or_sections, int):
        sections = list(split_size_or_sections)
        if sum(sections) != size or any(s < 0 for s in sections):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension "
                f"{dim}), but got split_sizes={sections}"
            )
        return _core.functions["split_with_sizes"](tensor, sections, dim)
    return _f["_split"](tensor, _piece_sizes(size, split_size_or_sections), dim)


def _piece_sizes(size: int, step: int) -> list[int]:
    if step < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
    if step == 0 and size != 0:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    return [__builtins_min(step, size - at) for at in range(0, size, step)] if size else [0]


__builtins_min = __builtins__["min"] if isinstance(__builtins__, dict) else __builtins__.min


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
    return _f["_unsafe_split"](tensor, _piece_sizes(tensor.size(dim), split_size), dim)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Like chunk, with pieces that autograd takes for copies."""
    size = input.size(dim)
    if size == 0:
        return _f["_unsafe_split"](input, [0] * chunks, dim)
    return unsafe_split(input, -(-size // chunks), dim)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of pieces that differ by at most one in size, or that end at listed indices."""
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
        ends = [i * least + __builtins_min(i, more) for i in range(1, count)]
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


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split along columns (along the only dimension of a vector)."""
    return _split_along("hsplit", input, indices_or_sections, 0 if input.dim() == 1 else 1, 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split along rows."""
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split along the third dimension."""
    return _split_along("dsplit", input, indices_or_sections, 2, 3)


concat = concatenate = _f["cat"]


def _joined(name: str, tensors: Any, shaped: Any, dim: int, out: Any) -> Tensor:
    tensors = list(tensors) if isinstance(tensors, (list, tuple)) else tensors
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return _f["cat"]([shaped(t) for t in tensors], dim, out=out)


def vstack(tensors: Any, *, out: Any = None) -> Tensor:
    """The tensors, rows at least, one below the other."""
    return _joined("vstack", tensors, atleast_2d, 0, out)


def hstack(tensors: Any, *, out: Any = None) -> Tensor:
    """The tensors side by side: along columns, or end to end if the first is a vector."""
    along = 0 if tensors and atleast_1d(tensors[0]).dim() == 1 else 1
    return _joined("hstack", tensors, atleast_1d, along, out)


def dstack(tensors: Any, *, out: Any = None) -> Tensor:
    """The tensors one behind the other, along the third dimension."""
    return _joined("dstack", tensors, atleast_3d, 2, out)


def column_stack(tensors: Any, *, out: Any = None) -> Tensor:
    """Vectors as columns, and matrices, side by side."""
    return _joined("column_stack", tensors, lambda t: t.reshape(t.numel(), 1) if t.dim() < 2 else t, 1, out)


row_stack = vstack


def where(condition: Tensor, *args: Any, **kwargs: Any) -> Any:
    """From input where the condition holds, else from other; with the condition alone, its nonzero indices."""
    if not args and not kwargs:
        return nonzero(condition, as_tuple=True)
    return _f["where"](condition, *args, **kwargs)


def nonzero(input: Tensor, *, out: Any = None, as_tuple: bool = False) -> Any:
    """The coordinates of the elements that are not zero: (count, rank), or a tuple of columns."""
    if as_tuple:
        return _f["_nonzero"](input if input.dim() else input.reshape(1)).unbind(1)
    return _f["_nonzero"](input, out=out)


def argwhere(input: Tensor) -> Tensor:
    """The coordinates of the elements that are not zero, one row for each."""
    return _f["_nonzero"](input)


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


def _at_least(shaped: Any, doc: str) -> Any:
    def atleast(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], Tensor):
            return shaped(tensors[0])
        return tuple(shaped(x) for x in (tensors[0] if len(tensors) == 1 else tensors))

    atleast.__doc__ = doc
    return atleast


def _with_two(x: Tensor) -> Tensor:
    return x.reshape(1, 1) if x.dim() == 0 else x.unsqueeze(0) if x.dim() == 1 else x


def _with_three(x: Tensor) -> Tensor:
    if x.dim() == 2:
        return x.unsqueeze(-1)
    return x.reshape(1, 1, 1) if x.dim() == 0 else x.unsqueeze(0).unsqueeze(-1) if x.dim() == 1 else x


atleast_1d = _at_least(lambda x: x.reshape(1) if x.dim() == 0 else x, "Tensors with at least one dimension.")
atleast_2d = _at_least(_with_two, "Tensors with at least two dimensions.")
atleast_3d = _at_least(_with_three, "Tensors with at least three dimensions.")
for _name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    globals()[_name].__name__ = globals()[_name].__qualname__ = _name


def broadcast_shapes(*shapes: Any) -> Any:
    """The size that tensors of these sizes broadcast to."""
    from tapeless._size import Size

    shapes = tuple((s,) if isinstance(s, int) else s for s in shapes)
    rank = __builtins_max(len(s) for s in shapes)
    out = [1] * rank
    for shape in shapes:
        for i, size in enumerate(reversed(tuple(shape)), 1):
            if size != 1 and out[-i] not in (1, size):
                raise RuntimeError(
                    "Shape mismatch: objects cannot be broadcast to a single shape: " + ", ".join(map(str, shapes))
                )
            out[-i] = size if out[-i] == 1 else out[-i]
    return Size(out)


__builtins_max = __builtins__["max"] if isinstance(__builtins__, dict) else __builtins__.max


def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """The view that repeats dimensions of size 1."""
    return input.expand(size)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Views of one common size."""
    shape = broadcast_shapes(*(t.shape for t in tensors))
    return tuple(t.expand(shape) for t in tensors)


def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """input with values (a tensor's or one number) put where index says along dim."""
    return _f["_scatter"](input, dim, index, value if src is None else src, reduce=reduce)


def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """scatter in place."""
    return _f["_scatter_"](self, dim, index, value if src is None else src, reduce=reduce)


def positive(input: Tensor) -> Tensor:
    """The tensor itself; bool has no sign."""
    if input.dtype == _core.bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugates are computed, never pending."""
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negatives are computed, never pending."""
    return input


def real(input: Tensor) -> Tensor:
    """The real part: a view of a complex tensor, a real tensor itself."""
    return _f["_real"](input)


def imag(input: Tensor) -> Tensor:
    """The imaginary part of a complex tensor, as a view."""
    return _f["_imag"](input)


def isinf(input: Tensor) -> Tensor:
    """Whether a value is infinite, or a part of a complex one."""
    if input.is_complex():
        return isinf(real(input)) | isinf(imag(input))
    return ~(_f["isfinite"](input) | _f["isnan"](input))


def isreal(input: Tensor) -> Tensor:
    """Whether a number's imaginary part is zero."""
    return imag(input) == 0 if input.is_complex() else _f["eq"](input, input) | True


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether |input - other| <= atol + rtol * |other|, element by element."""
    for position, (name, value) in enumerate((("input", input), ("other", other)), 1):
        if not isinstance(value, Tensor):
            kind = type(value).__name__
            raise TypeError(f"isclose(): argument '{name}' (position {position}) must be Tensor, not {kind}")
    if input.dtype != other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}")
    for name, bound in (("rtol", rtol), ("atol", atol)):
        if bound < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {bound}")
    close = input == other
    if equal_nan:
        close = close | (_f["isnan"](input) & _f["isnan"](other))
    if input.is_floating_point() or input.is_complex():
        bound = atol + rtol * other.abs()
        gap = (input - other).abs()
        close = close | (_f["isfinite"](gap) & (gap <= bound))
    elif (rtol or atol) and input.dtype != _core.bool:
        gap = (input - other).abs()
        close = close | (gap.to(_core.float64) <= atol + rtol * other.abs().to(_core.float64))
    return close


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close; see isclose."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all().item())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same size and elements."""
    return input.shape == other.shape and bool((input == other).all().item())


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Gives the tensor another's size; its storage grows if it must."""
    return _core._resize(input, the_template.shape)


def is_tensor(obj: Any) -> bool:
    """Whether a value is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether a tensor's dtype is floating point."""
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    """Whether a tensor's dtype is complex."""
    return input.dtype.is_complex


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element of a tensor is not zero."""
    return bool(input)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """The dtype of an arithmetic operation on two operands."""
    return _core._result_type(tensor1, tensor2)
