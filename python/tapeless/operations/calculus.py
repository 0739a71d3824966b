# Differences and integrals of sampled functions along dimensions.
"""Compositions that PyTorch, too, makes of arithmetic: their nodes are those of their last step."""

from typing import Any

from tapeless import _core
from tapeless._arguments import accepts_numpy_names, into_out
from tapeless._core import Tensor
from tapeless.composition import composition

__all__ = [
    "cumulative_trapezoid",
    "diff",
    "gradient",
    "trapezoid",
    "trapz",
]
METHODS = ("diff",)

_f = _core.functions


@accepts_numpy_names
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None, *, out: Any = None
) -> Tensor:
    """The n-th differences of neighbours along dim, of bool their xor; prepend and append are joined on first.

    Derivative: that of the subtractions.
    """
    if input.dim() == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional; write input.reshape(1) for a number")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = _wrapped(dim, input.dim())
    result = input
    if n == 0:
        return into_out("diff", out, input.new_zeros(input.shape).copy_(input))
    if prepend is not None or append is not None:
        for other in (prepend, append):
            if other is not None:
                _check_joins(input, other, dim)
        result = _f["cat"]([x for x in (prepend, input, append) if x is not None], dim)
    step = _f["logical_xor"] if result.dtype is _core.bool else _f["sub"]
    for _ in range(min(n, result.size(dim))):
        length = result.size(dim) - 1
        result = step(result.narrow(dim, 1, length), result.narrow(dim, 0, length))
    return into_out("diff", out, result)


def _wrapped(dim: int, rank: int) -> int:
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    return dim % rank


def _check_joins(input: Tensor, other: Tensor, dim: int) -> None:
    if other.dim() != input.dim():
        raise RuntimeError(
            "diff expects prepend or append to be the same dimension as input; they have "
            f"{other.dim()} and {input.dim()} dimensions"
        )
    for d, (wanted, size) in enumerate(zip(input.shape, other.shape, strict=True)):
        if d != dim and wanted != size:
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input except along the "
                f"differencing dimension; input.size({d}) = {wanted}, but got tensor.size({d}) = {size}"
            )


def _samples(name: str, y: Tensor, x: Any, dx: Any, dim: int) -> Any:
    """The distances between samples: a tensor, or a number if they are evenly spaced."""
    if x is not None and dx is not None:
        raise TypeError(f"{name}() received an invalid combination of arguments - got both x and dx; give one of them")
    if isinstance(x, (int, float)):
        x, dx = None, x
    if x is None:
        if isinstance(dx, (bool, complex)):
            raise RuntimeError(f"{name}: Currently, we only support dx as a real number.")
        if dx is not None and not isinstance(dx, (int, float)):
            raise TypeError(
                f"{name}() received an invalid combination of arguments - dx must be a Number, not "
                f"{type(dx).__name__}; give sample points as x"
            )
    if y.dtype is _core.bool or (x is not None and x.dtype is _core.bool):
        what = "`y`" if x is None else "`x` or `y`"
        raise RuntimeError(f"{name}: received a bool input for {what}, but bool is not supported")
    if x is None:
        return 1.0 if dx is None else float(dx)
    if x.dim() == 1:
        if x.size(0) != y.size(dim):
            raise RuntimeError(
                f"{name}: There must be one `x` value for each sample point; got {x.size(0)} for {y.size(dim)}"
            )
        x = x.view([-1 if d == dim else 1 for d in range(y.dim())])
    elif x.dim() < y.dim():
        x = x.view([1] * (y.dim() - x.dim()) + list(x.shape))
    length = x.size(dim) - 1
    return x.narrow(dim, 1, length) - x.narrow(dim, 0, length)


@composition("mul", overload=1)
def _times(input: Tensor, number: float) -> Tensor:
    return input * number


@composition("div", overload=1)
def _half(input: Tensor) -> Tensor:
    return input / 2.0


def _neighbours(y: Tensor, dim: int) -> Tensor:
    """The sums of neighbours, of which a trapezoid's area is the half times its width."""
    length = y.size(dim) - 1
    return y.narrow(dim, 0, length) + y.narrow(dim, 1, length)


@accepts_numpy_names
def trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral along dim by the trapezoidal rule, of samples at the points x or at distances dx (1).

    Derivative: half the distance between a sample's neighbours.
    """
    dim = _wrapped(dim, y.dim())
    if y.size(dim) == 0:
        return y.new_zeros([size for d, size in enumerate(y.shape) if d != dim])
    step = _samples("trapezoid", y, x, dx, dim)
    if isinstance(step, float):
        return _times(y.sum(dim) - (y.select(dim, 0) + y.select(dim, -1)) * 0.5, step)
    return _half((_neighbours(y, dim) * step).sum(dim))


def trapz(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Another name of trapezoid."""
    return trapezoid(y, x, dx=dx, dim=dim)


@accepts_numpy_names
def cumulative_trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The running integral along dim by the trapezoidal rule; see trapezoid. Derivative: that of its cumsum."""
    dim = _wrapped(dim, y.dim())
    step = _samples("cumulative_trapezoid", y, x, dx, dim)
    if isinstance(step, float):
        return (step / 2.0 * _neighbours(y, dim)).cumsum(dim)
    return _half((_neighbours(y, dim) * step).cumsum(dim))


@accepts_numpy_names
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The partial derivatives of a sampled function, a tensor for each dimension, by central differences.

    `spacing` is the distance of samples: one number, one for each dimension, or vectors of coordinates; the formula for
    uneven ones is that of second order accuracy. Derivative: that of the differences.
    """
    dims = _gradient_dims(input, dim)
    steps = _gradient_spacing(input, spacing, dim, dims)
    if input.dtype is _core.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input; convert first, for example with input.int()")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for d in dims:
        if input.size(d) < edge_order + 1:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1; dimension "
                f"{d} has size {input.size(d)}"
            )
    one = _uneven if isinstance(steps[0], Tensor) else _even
    return tuple(one(input, step, d, edge_order) for d, step in zip(dims, steps, strict=True))


def _gradient_dims(input: Tensor, dim: Any) -> list[int]:
    if dim is None:
        return list(range(input.dim()))
    dims = [_wrapped(d, input.dim()) for d in ([dim] if isinstance(dim, int) else dim)]
    if len(set(dims)) < len(dims):
        twice = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return dims


def _gradient_spacing(input: Tensor, spacing: Any, dim: Any, dims: list[int]) -> list[Any]:
    if spacing is None or isinstance(spacing, (int, float, complex)):
        return [1 if spacing is None else spacing] * len(dims)
    given = [spacing] if isinstance(spacing, Tensor) else list(spacing)
    if dim is None and len(given) != input.dim():
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = "
            f"{input.dim()}', since dim argument was not given, but got a list of length {len(given)}"
        )
    if dim is not None and len(given) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have "
            f"the same length, but got a spacing argument of length {len(given)} and a dim argument of length "
            f"{len(dims)}."
        )
    return given


def _parts(x: Tensor, d: int, *starts: tuple[int, int]) -> list[Tensor]:
    """Slices of x along d that begin at `start` (from the end if negative) and leave out `without` elements."""
    size = x.size(d)
    return [x.narrow(d, start % size if start < 0 else start, size - without) for start, without in starts]


def _edges(x: Tensor, d: int, edge_order: int) -> tuple[list[Tensor], list[Tensor]]:
    size, count = x.size(d), edge_order + 1
    return [x.narrow(d, i, 1) for i in range(count)], [x.narrow(d, size - 1 - i, 1) for i in range(count)]


def _even(x: Tensor, step: Any, d: int, edge_order: int) -> Tensor:
    first, last = _edges(x, d, edge_order)
    if edge_order == 1:
        begin, end = (first[1] - first[0]) / step, (last[0] - last[1]) / step
    else:
        begin = (first[0] * -1.5).add(first[1], alpha=2).add(first[2], alpha=-0.5) / step
        end = (last[2] * 0.5).add(last[1], alpha=-2).add(last[0], alpha=1.5) / step
    left, right = _parts(x, d, (0, 2), (2, 2))
    return _f["cat"]([begin, (right - left) / step / 2, end], d)


def _uneven(x: Tensor, points: Tensor, d: int, edge_order: int) -> Tensor:
    if points.dim() != 1 or points.numel() != x.size(d):
        raise RuntimeError(
            f"torch.gradient expected a vector of {x.size(d)} coordinates for dimension {d}, but got one of shape "
            f"{list(points.shape)}"
        )
    steps = diff(points)
    first, last = _edges(x, d, edge_order)
    if edge_order == 1:
        begin, end = (first[1] - first[0]) / steps[0], (last[0] - last[1]) / steps[-1]
    else:
        begin = _one_sided(first, steps[0], steps[1])
        end = -_one_sided(last, steps[-1], steps[-2])
    shape = [-1 if k == d else 1 for k in range(x.dim())]
    before, after = steps[:-1].reshape(shape), steps[1:].reshape(shape)
    left, middle, right = _parts(x, d, (0, 2), (1, 2), (2, 2))
    a = -after / (before * (before + after))
    b = (after - before) / (before * after)
    c = before / (after * (before + after))
    return _f["cat"]([begin, a * left + b * middle + c * right, end], d)


def _one_sided(samples: list[Tensor], near: Tensor, far: Tensor) -> Tensor:
    """The derivative at the first of three samples, `near` and then `far` apart."""
    a = -(2.0 * near + far) / (near * (near + far))
    b = (near + far) / (near * far)
    c = -near / (far * (near + far))
    return a * samples[0] + b * samples[1] + c * samples[2]
