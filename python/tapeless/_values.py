# Constants and small value types of the namespace: memory formats, layouts, limits of dtypes.
"""Names that stand for themselves, and `finfo` and `iinfo`."""

import math
from typing import Any

from tapeless import _core

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi
newaxis = None


class memory_format:
    """How the dimensions of a tensor lie in memory."""

    __module__ = "torch"

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class layout(memory_format):
    """How a tensor stores its elements; here all are strided."""

    __module__ = "torch"


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
strided = layout("strided")
# Layouts that can be named only: a tensor asked for in one is refused.
sparse_coo, sparse_csr, sparse_csc = layout("sparse_coo"), layout("sparse_csr"), layout("sparse_csc")
sparse_bsr, sparse_bsc, jagged = layout("sparse_bsr"), layout("sparse_bsc"), layout("jagged")


def set_default_dtype(dtype: Any) -> None:
    """Sets the dtype of tensors made of Python floats: a floating point one."""
    if not isinstance(dtype, _core.dtype) or not dtype.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {dtype}")
    _core._set_default_dtype(dtype)


# name: (bits, significand bits after the point, largest exponent, smallest normal exponent)
_FLOATS = {
    "float16": (16, 10, 15, -14),
    "bfloat16": (16, 7, 127, -126),
    "float32": (32, 23, 127, -126),
    "float64": (64, 52, 1023, -1022),
}


# The dtypes of Python's own numbers.
_OF_PYTHON = {float: _core.float64, int: _core.int64, complex: _core.complex128, bool: _core.bool}


class finfo:
    """The limits of a floating point dtype: bits, eps, max, min, tiny, smallest_normal, resolution."""

    __module__ = "torch"

    def __init__(self, dtype: Any = None) -> None:
        dtype = _OF_PYTHON.get(dtype, dtype or _core.get_default_dtype()).to_real()
        self.dtype = repr(dtype).removeprefix("torch.")
        if self.dtype not in _FLOATS:
            raise TypeError(
                f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{dtype}'"
            )
        self.bits, digits, top, bottom = _FLOATS[self.dtype]
        self.eps = 2.0**-digits
        self.max = (2.0 - self.eps) * 2.0**top
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0**bottom
        self.resolution = 10.0 ** -math.floor(digits * math.log10(2))

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integer dtype: bits, max, min."""

    __module__ = "torch"

    def __init__(self, dtype: Any) -> None:
        dtype = _OF_PYTHON.get(dtype, dtype)
        self.dtype = repr(dtype).removeprefix("torch.")
        if dtype.is_floating_point or dtype.is_complex or self.dtype == "bool":
            raise TypeError(
                f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{dtype}'"
            )
        self.bits = 8 * dtype.itemsize
        signed = dtype.is_signed
        self.max = 2 ** (self.bits - signed) - 1
        self.min = -(2 ** (self.bits - 1)) if signed else 0

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
