# The namespace tapeless.fft: discrete Fourier transforms, their frequencies and shifts.
"""Discrete Fourier transforms along one, two or more dimensions.

`norm` says which direction is divided by the number of elements: "backward" the inverse one, "forward" the other, and
"ortho" both by its root. Derivatives are the transforms in the other direction.
"""

from collections.abc import Callable
from typing import Any

import tapeless
from tapeless import _core
from tapeless._arguments import into_out
from tapeless._core import Tensor
from tapeless.composition import autocasts

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift",
    "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

_c2c, _r2c, _c2r = (_core.functions[name] for name in ("_fft_c2c", "_fft_r2c", "_fft_c2r"))
_HALVES = (tapeless.float16, tapeless.bfloat16)


def _normalization(norm: Any, forward: bool) -> int:
    """0 for nothing, 1 for the root of the number of elements, 2 for the number."""
    if norm == "ortho":
        return 1
    if norm not in (None, "backward", "forward"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return 2 if (norm == "forward") == forward else 0


def _spelled(x: Tensor) -> str:
    return x.type().split(".")[-1].removesuffix("Tensor")


def _promoted(input: Tensor, to_complex: bool = False) -> Tensor:
    """Integers become floats; real numbers complex ones, where those are needed."""
    if input.dtype in _HALVES:
        raise RuntimeError(f"Unsupported dtype {_spelled(input)}: transforms need float32, float64 or complex numbers")
    if not (input.is_floating_point() or input.is_complex()):
        input = input.to(tapeless.get_default_dtype())
    if to_complex and not input.is_complex():
        input = input.to(tapeless.complex64 if input.dtype is tapeless.float32 else tapeless.complex128)
    return input


def _dim(input: Tensor, dim: int) -> int:
    rank = input.dim()
    if rank == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if not -rank <= dim < rank:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    return dim % rank


def _resized(input: Tensor, dims: Any, sizes: Any) -> Tensor:
    """Cut, or filled up with zeros, at the end of those dimensions."""
    pads = [0] * (2 * input.dim())
    for dim, size in zip(dims, sizes, strict=True):
        own = input.shape[dim]
        if own > size:
            input = input.narrow(dim, 0, size)
        elif own < size:
            pads[2 * (input.dim() - 1 - dim) + 1] = size - own
    return tapeless.constant_pad_nd(input, pads) if any(pads) else input


def _count(size: int) -> int:
    if size < 1:
        raise RuntimeError(f"Invalid number of data points ({size}) specified")
    return size


def _refuse_complex(name: str, input: Tensor) -> None:
    if input.is_complex():
        raise RuntimeError(f"{name} expects a real input tensor, but got {_spelled(input)}")


# --- along one dimension ---


def _one(name: str, input: Tensor, n: Any, dim: int, norm: Any, forward: bool, out: Any) -> Tensor:
    input, dim = _promoted(input), _dim(input, dim)
    size = _count(input.shape[dim] if n is None else n)
    x, divisor = _resized(input, (dim,), (size,)), _normalization(norm, forward)
    if input.is_complex():
        result = _c2c(x, (dim,), divisor, forward)
    else:
        result = _r2c(x, (dim,), divisor, False)
        result = result if forward else result.conj()
    return into_out(name, out, result)


@autocasts("float32")
def fft(input: Tensor, n: Any = None, dim: int = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """The transform of n numbers along dim. Derivative: the inverse transform of g, divided as this one is."""
    return _one("fft_fft", input, n, dim, norm, True, out)


@autocasts("float32")
def ifft(input: Tensor, n: Any = None, dim: int = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """The inverse transform of n numbers along dim. Derivative: the transform of g, divided as this one is."""
    return _one("fft_ifft", input, n, dim, norm, False, out)


def _from_real(name: str, input: Tensor, n: Any, dim: int, norm: Any, forward: bool, out: Any) -> Tensor:
    _refuse_complex(name, input)
    input, dim = _promoted(input), _dim(input, dim)
    size = _count(input.shape[dim] if n is None else n)
    result = _r2c(_resized(input, (dim,), (size,)), (dim,), _normalization(norm, forward), True)
    return into_out("fft_" + name, out, result if forward else result.conj())


def _to_real(name: str, input: Tensor, n: Any, dim: int, norm: Any, forward: bool, out: Any) -> Tensor:
    input, dim = _promoted(input, to_complex=True), _dim(input, dim)
    size = _count(2 * (input.shape[dim] - 1) if n is None else n)
    x = _resized(input, (dim,), (size // 2 + 1,))
    result = _c2r(x.conj() if forward else x, (dim,), _normalization(norm, forward), size)
    return into_out("fft_" + name, out, result)


@autocasts("float32")
def rfft(input: Tensor, n: Any = None, dim: int = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """The first n // 2 + 1 numbers of the transform of n real ones, which tell the others.

    Derivative: the real part of the inverse transform of g.
    """
    return _from_real("rfft", input, n, dim, norm, True, out)


@autocasts("float32")
def irfft(input: Tensor, n: Any = None, dim: int = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """The n real numbers whose `rfft` this is; n is even if it is not given.

    Derivative: the transform of g, twice where a number stands for two.
    """
    return _to_real("irfft", input, n, dim, norm, False, out)


@autocasts("float32")
def hfft(input: Tensor, n: Any = None, dim: int = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """The transform, of n real numbers, of a signal that is the conjugate of its mirror image, given by its first half.

    Derivative: that of irfft.
    """
    return _to_real("hfft", input, n, dim, norm, True, out)


@autocasts("float32")
def ihfft(input: Tensor, n: Any = None, dim: int = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """The first half of the inverse transform of n real numbers. Derivative: that of rfft."""
    return _from_real("ihfft", input, n, dim, norm, False, out)


# --- along several dimensions ---


def _dims_and_sizes(input: Tensor, s: Any, dim: Any) -> tuple[list[int], list[int]]:
    s = [s] if isinstance(s, int) else s
    dim = [dim] if isinstance(dim, int) else dim
    if dim is not None:
        dims = [_dim(input, d) for d in dim]
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    if s is None:
        dims = list(range(input.dim())) if dim is None else dims
        sizes = [input.shape[d] for d in dims]
    else:
        if dim is not None and len(dim) != len(s):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(s) > input.dim():
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {input.dim()} dimensions.")
        dims = list(range(input.dim() - len(s), input.dim())) if dim is None else dims
        sizes = [input.shape[d] if size == -1 else size for d, size in zip(dims, s, strict=True)]
    return dims, [_count(size) for size in sizes]


def _last_size(input: Tensor, s: Any, dims: list[int], name: str) -> int:
    """How many real numbers come out along the last dimension."""
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    s = [s] if isinstance(s, int) else s
    return _count(2 * (input.shape[dims[-1]] - 1) if s is None or s[-1] == -1 else s[-1])


def _several(name: str, input: Tensor, s: Any, dim: Any, norm: Any, forward: bool, out: Any) -> Tensor:
    dims, sizes = _dims_and_sizes(input, s, dim)
    x = _resized(_promoted(input, to_complex=True), dims, sizes)
    return into_out("fft_" + name, out, _c2c(x, dims, _normalization(norm, forward), forward))


@autocasts("float32")
def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """The transform along several dimensions, all if neither s nor dim says which. Derivative: that of ifftn."""
    return _several("fftn", input, s, dim, norm, True, out)


@autocasts("float32")
def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """The inverse transform along several dimensions. Derivative: that of fftn."""
    return _several("ifftn", input, s, dim, norm, False, out)


@autocasts("float32")
def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """The transform of real numbers along several dimensions, of the last of which half is kept.

    Derivative: the real part of the inverse transform of g.
    """
    if input.is_complex():
        raise RuntimeError(f"rfftn expects a real-valued input tensor, but got {_spelled(input)}")
    dims, sizes = _dims_and_sizes(input, s, dim)
    if not dims:
        raise RuntimeError("rfftn must transform at least one axis")
    x = _resized(_promoted(input), dims, sizes)
    return into_out("fft_rfftn", out, _r2c(x, dims, _normalization(norm, True), True))


def _half_of_several(name: str, input: Tensor, s: Any, dim: Any) -> tuple[Tensor, list[int], int]:
    input = _promoted(input, to_complex=True)
    dims, sizes = _dims_and_sizes(input, s, dim)
    last = _last_size(input, s, dims, name)
    return _resized(input, dims, [*sizes[:-1], last // 2 + 1]), dims, last


@autocasts("float32")
def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """The real numbers whose `rfftn` this is. Derivative: the transform of g, twice where a number stands for two."""
    x, dims, last = _half_of_several("irfftn", input, s, dim)
    return into_out("fft_irfftn", out, _c2r(x, dims, _normalization(norm, False), last))


def hfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """`hfft` along the last dimension and `fft` along the others. Derivative: that of its parts."""
    x, dims, last = _half_of_several("hfftn", input, s, dim)
    divisor = _normalization(norm, True)
    if len(dims) > 1:
        x = _c2c(x, dims[:-1], divisor, True)
    return into_out("fft_hfftn", out, _c2r(x.conj(), dims[-1:], divisor, last))


def ihfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """`ihfft` along the last dimension and `ifft` along the others. Derivative: that of its parts."""
    if input.is_complex():
        raise RuntimeError(f"ihfftn expects a real-valued input tensor, but got {_spelled(input)}")
    dims, sizes = _dims_and_sizes(input, s, dim)
    if not dims:
        raise RuntimeError("ihfftn must transform at least one axis")
    divisor = _normalization(norm, False)
    half = _r2c(_resized(_promoted(input), dims, sizes), dims[-1:], divisor, True)
    result = half.conj() if len(dims) == 1 else _c2c(half.conj_physical(), dims[:-1], divisor, False)
    return into_out("fft_ihfftn", out, result)


def _two(several: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function for two dimensions."""

    def two(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Tensor:
        return several(input, s, dim, norm, out=out)

    two.__name__ = two.__qualname__ = several.__name__[:-1] + "2"
    two.__doc__ = f"`{several.__name__}` along two dimensions, the last ones if none are named. Derivative: the same."
    return two


fft2, ifft2, rfft2, irfft2, hfft2, ihfft2 = map(_two, (fftn, ifftn, rfftn, irfftn, hfftn, ihfftn))

# --- frequencies and shifts ---


def _options(options: dict[str, Any]) -> dict[str, Any]:
    unknown = set(options) - {"dtype", "layout", "device", "requires_grad", "pin_memory"}
    if unknown:
        raise TypeError(f"fftfreq() got an unexpected keyword argument '{unknown.pop()}'")
    dtype = options.get("dtype")
    options["dtype"] = tapeless.get_default_dtype() if dtype is None else dtype
    return options


def _frequencies(places: Tensor, n: int, d: float, options: Any, out: Any) -> Tensor:
    grad = options.pop("requires_grad", False)
    result = (places * (1.0 / (n * d))).to(**{k: v for k, v in options.items() if k in ("dtype", "device")})
    if out is not None:
        _core._write_out(out, result)
        return out
    return result.requires_grad_() if grad else result


def fftfreq(n: int, d: float = 1.0, *, out: Any = None, **options: Any) -> Tensor:
    """The frequencies of `fft` of n samples, d apart: 0 and up, then the negative ones. No derivative."""
    options = _options(options)
    places = tapeless.arange(n, dtype=options["dtype"])
    places[(n + 1) // 2 :] -= n
    return _frequencies(places, n, d, options, out)


def rfftfreq(n: int, d: float = 1.0, *, out: Any = None, **options: Any) -> Tensor:
    """The frequencies of `rfft` of n samples, d apart. No derivative."""
    options = _options(options)
    return _frequencies(tapeless.arange(n // 2 + 1, dtype=options["dtype"]), n, d, options, out)


def _shifted(input: Tensor, dim: Any, more: int) -> Tensor:
    dims = list(range(input.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [_dim(input, d) for d in dims]
    return input.roll([(input.shape[d] + more) // 2 for d in dims], dims) if dims else input.clone()


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The frequency 0 from the beginning to the middle. Derivative: ifftshift of g."""
    return _shifted(input, dim, 0)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The way back from `fftshift`. Derivative: fftshift of g."""
    return _shifted(input, dim, 1)
