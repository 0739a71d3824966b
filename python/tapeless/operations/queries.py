# Questions about tensors and their values: closeness, equality, kinds, parts.
"""Comparisons and predicates."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "allclose",
    "equal",
    "imag",
    "is_complex",
    "is_conj",
    "is_floating_point",
    "is_inference",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_tensor",
    "isclose",
    "isreal",
    "numel",
    "positive",
    "real",
    "resolve_conj",
    "resolve_neg",
    "result_type",
    "typename",
]
METHODS = (
    "allclose",
    "equal",
    "is_complex",
    "is_conj",
    "is_floating_point",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "isclose",
    "isreal",
    "positive",
    "resolve_conj",
    "resolve_neg",
)

_f = _core.functions


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


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same size."""
    return input.shape == other.shape


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative values."""
    return input.dtype.is_signed


def is_conj(input: Tensor) -> bool:
    """Whether a conjugate is pending: never, they are computed."""
    return False


def is_neg(input: Tensor) -> bool:
    """Whether a negative is pending: never, they are computed."""
    return False


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return input.is_inference()


def typename(obj: Any) -> str:
    """The name of a value's type: of a tensor its legacy name, such as "torch.FloatTensor"."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    module = getattr(obj, "__module__", None) or kind.__module__
    name = getattr(obj, "__qualname__", None) or kind.__qualname__
    return name if module == "builtins" else f"{module}.{name}"


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """The dtype of an arithmetic operation on two operands."""
    return _core._result_type(tensor1, tensor2)
