# The legacy typed constructors: torch.FloatTensor and its relatives, one class for each dtype.
"""Classes that make tensors of one dtype, and that `isinstance` holds against a tensor's dtype."""

from typing import Any

import tapeless
from tapeless import _core

# The legacy name of each dtype, as PyTorch's messages and `Tensor.type()` spell it.
NAMES = {
    _core.bool: "Bool", _core.uint8: "Byte", _core.int8: "Char", _core.int16: "Short", _core.int32: "Int",
    _core.int64: "Long", _core.float16: "Half", _core.bfloat16: "BFloat16", _core.float32: "Float",
    _core.float64: "Double", _core.complex64: "ComplexFloat", _core.complex128: "ComplexDouble",
}  # fmt: skip


def construct(dtype: Any, name: str, args: Any, kwargs: Any) -> Any:
    """Sizes give uninitialised elements, a sequence or tensor its elements, in that dtype."""
    device = kwargs.pop("device", None)
    if kwargs:
        raise TypeError(f"{name}() received an invalid combination of arguments - got {sorted(kwargs)}")
    if len(args) == 1 and not isinstance(args[0], (int, tapeless.Size)):
        data = args[0]
        if not isinstance(data, _core.Tensor):
            return _core.tensor(data, dtype=dtype, device=device)
        if data.dtype is not dtype:
            raise TypeError(f"expected {legacy_name(dtype)} (got {legacy_name(data.dtype)}); write .to({dtype})")
        return data.detach()
    sizes = args[0] if len(args) == 1 and isinstance(args[0], tapeless.Size) else args
    return _core.empty(tuple(sizes) if args else (0,), dtype=dtype, device=device)


def legacy_name(dtype: Any) -> str:
    """The legacy name of CPU tensors of a dtype, as "torch.FloatTensor"."""
    return f"torch.{NAMES[dtype]}Tensor"


class tensortype(type):
    """The type of the typed constructors: calls make tensors, `isinstance` asks their dtype."""

    dtype: Any

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return construct(cls.dtype, cls.__name__, args, kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _core.Tensor) and instance.dtype is cls.dtype and not instance.is_meta


tensortype.__module__ = "torch"

CLASSES = {
    f"{name}Tensor": tensortype(f"{name}Tensor", (), {"dtype": dtype, "__module__": "torch"})
    for dtype, name in NAMES.items()
    if not dtype.is_complex
}


def dtype_named(kind: Any) -> Any:
    """The dtype of a legacy name ("torch.FloatTensor") or typed constructor; ValueError for another text."""
    if isinstance(kind, tensortype):
        return kind.dtype
    for dtype in NAMES:
        if kind == legacy_name(dtype):
            return dtype
    raise ValueError(f"invalid type: {kind!r}")
