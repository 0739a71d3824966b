"""Carries arguments from PyTorch into a library and values back, layout and all."""

from __future__ import annotations

from typing import Any

import torch

from .library import Library, Unsupported

NUMPY_DTYPES = {
    torch.float16, torch.float32, torch.float64, torch.complex64, torch.complex128,
    torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool,
}  # fmt: skip


def dtype_name(value: Any) -> str:
    """`float32` for `torch.float32` and for the subject's own."""
    return str(value).rsplit(".", maxsplit=1)[-1]


def _dense_strides(shape: torch.Size) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def _dense(library: Library, x: torch.Tensor) -> Any:
    """A contiguous tensor of fresh bytes: `clone` because imported NumPy bytes never defer."""
    if x.dtype == torch.bfloat16:
        bits = library.module.from_numpy(x.contiguous().view(torch.int16).numpy().copy())
        return bits.view(library.constant(torch.bfloat16)).clone()
    if x.dtype not in NUMPY_DTYPES:
        raise Unsupported(f"a {x.dtype} argument cannot be carried across")
    return library.module.from_numpy(x.contiguous().numpy().copy()).clone()


def build(library: Library, x: torch.Tensor) -> Any:
    """A leaf of the library with the bytes, shape, strides, offset and flag of `x`."""
    if x.layout != torch.strided or x.device.type != "cpu":
        raise Unsupported(f"a {x.layout} {x.device} argument cannot be carried across")
    plain = x.detach().resolve_conj().resolve_neg()
    # An empty array has strides of its own, so an empty tensor gets its geometry by hand.
    if plain.numel() and plain.storage_offset() == 0 and plain.stride() == _dense_strides(plain.shape):
        out = _dense(library, plain)
    else:
        count = plain.untyped_storage().nbytes() // plain.element_size()
        base = _dense(library, plain.as_strided((count,), (1,), 0))
        out = base.as_strided(tuple(plain.shape), plain.stride(), plain.storage_offset())
        out = out.detach()  # not `_is_view()`, so that a result's base is the argument itself
    return out.requires_grad_() if x.requires_grad else out


def carry(library: Library, value: Any, seen: dict[int, Any]) -> Any:
    """`value` with every tensor and constant replaced; one object stays one object."""
    if isinstance(value, torch.Tensor):
        if id(value) not in seen:
            seen[id(value)] = build(library, value)
        return seen[id(value)]
    if isinstance(value, torch.Size):
        return library.constant(value)
    if isinstance(value, list | tuple):
        return type(value)(carry(library, item, seen) for item in value)
    if isinstance(value, dict):
        return {key: carry(library, item, seen) for key, item in value.items()}
    return library.constant(value)


def tensors_in(library: Library, value: Any) -> list[Any]:
    """The distinct tensors of nested lists, tuples and dicts, in order."""
    found: list[Any] = []

    def walk(item: Any) -> None:
        if library.is_tensor(item):
            if not any(item is other for other in found):
                found.append(item)
        elif isinstance(item, list | tuple):
            for part in item:
                walk(part)
        elif isinstance(item, dict):
            walk(list(item.values()))

    walk(value)
    return found


def read(library: Library, x: Any) -> torch.Tensor:
    """The values of `x` as a contiguous PyTorch tensor of the same dtype."""
    plain = x.detach()
    if library.module is torch and plain._is_zerotensor():
        plain = torch.zeros(plain.shape, dtype=plain.dtype)  # PyTorch's own cannot be read
    for resolve in ("resolve_conj", "resolve_neg"):
        if hasattr(plain, resolve):
            plain = getattr(plain, resolve)()
    if dtype_name(x.dtype) == "bfloat16":
        bits = plain.contiguous().view(library.constant(torch.int16))
        return torch.from_numpy(bits.numpy().copy()).view(torch.bfloat16)
    return torch.from_numpy(plain.numpy().copy(order="C"))
