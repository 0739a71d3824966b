# What files and pickles call to make tensors again, and flat copies of several tensors; PyTorch's names for both.
"""The functions that pickled tensors name, and helpers that programs take from `torch._utils`."""

from __future__ import annotations

import copyreg
import os
import sys
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import tapeless
from tapeless import _core
from tapeless._storage import TypedStorage, UntypedStorage
from tapeless._values import layout, memory_format


def _rebuild_tensor(storage: Any, storage_offset: int, size: Any, stride: Any) -> _core.Tensor:
    """A tensor of that geometry over a storage; RuntimeError where it would reach outside."""
    if isinstance(storage, UntypedStorage):
        storage = TypedStorage(wrap_storage=storage, dtype=_core.uint8, _internal=True)
    if not isinstance(storage, TypedStorage):
        raise TypeError(f"_rebuild_tensor: expected a storage (got {type(storage).__name__})")
    if len(size) != len(stride) or storage_offset < 0 or any(n < 0 for n in size):
        raise RuntimeError(
            f"_rebuild_tensor: {len(size)} sizes, {len(stride)} strides and a storage offset do not describe a tensor; "
            "the file is damaged"
        )
    return storage._flat().as_strided(tuple(size), tuple(stride), storage_offset).detach()


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> _core.Tensor:
    """The same with the flag, and with the bits that say "conjugated" or "negated": we write these out."""
    x = _rebuild_tensor(storage, storage_offset, size, stride)
    set_tensor_metadata(x, metadata or {})
    return x.requires_grad_() if requires_grad else x


def _rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> _core.Tensor:
    """The same over a storage of bytes, with the dtype beside it."""
    untyped = storage if isinstance(storage, UntypedStorage) else storage.untyped()
    typed = TypedStorage(wrap_storage=untyped, dtype=dtype, _internal=True)
    return _rebuild_tensor_v2(typed, storage_offset, size, stride, requires_grad, backward_hooks, metadata)


def _rebuild_meta_tensor_no_storage(dtype: Any, size: Any, stride: Any, requires_grad: bool) -> _core.Tensor:
    """A tensor of the meta device, which has no memory."""
    x = tapeless.empty_strided(tuple(size), tuple(stride), dtype=dtype, device="meta")
    return x.requires_grad_() if requires_grad else x


def get_tensor_metadata(tensor: _core.Tensor) -> dict[str, Any]:
    """The bits that a lazily conjugated tensor has; none here, where conjugation is written out."""
    return {}


def set_tensor_metadata(tensor: _core.Tensor, metadata: dict[str, Any]) -> None:
    """Conjugates or negates a tensor as PyTorch's file says that its bytes are to be read.

    It gets memory of its own then: what shares its bytes in the file holds them as they are.
    """
    values = tensor
    if metadata.get("conj"):
        values = values.conj()
    if metadata.get("neg"):
        values = -values
    if values is not tensor:
        own = tapeless.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)
        tensor.set_(own.copy_(values))


def parameter_type() -> Any:
    """The class Parameter, or None while nobody has imported it: then there is none."""
    return getattr(sys.modules.get("tapeless.nn.parameter"), "Parameter", None)


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Any:
    """A Parameter over a tensor's memory."""
    return tapeless.nn.Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data: Any, requires_grad: bool, backward_hooks: Any, state: Any) -> Any:
    """A Parameter with the attributes that it had."""
    return _set_obj_state(tapeless.nn.Parameter(data, requires_grad), state)


def _rebuild_from_type_v2(func: Any, new_type: type, args: Any, state: Any) -> Any:
    """A tensor of a subclass, or with attributes of its own."""
    x = func(*args)
    if type(x) is not new_type:
        x = x.as_subclass(new_type)
    if getattr(new_type, "__setstate__", None) is not getattr(_core.Tensor, "__setstate__", None):
        x.__setstate__(state)
        return x
    return _set_obj_state(x, state)


def _get_obj_state(obj: Any) -> Any:
    """What an object carries besides its elements: its __dict__, and values of its slots where it has any."""
    getter = getattr(type(obj), "__getstate__", None)
    if getter is not None and getter is not getattr(object, "__getstate__", None):
        return obj.__getstate__()
    slots = {name: getattr(obj, name) for name in copyreg._slotnames(type(obj)) if hasattr(obj, name)}  # type: ignore[attr-defined]
    return (obj.__dict__, slots) if slots else obj.__dict__


def _set_obj_state(obj: Any, state: Any) -> Any:
    """Puts back what `_get_obj_state` took."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    obj.__dict__.update(attributes or {})
    for name, value in (slots or {}).items():
        setattr(obj, name, value)
    return obj


# How tensors and small values are taken apart


def tensor_parts(x: _core.Tensor) -> tuple[Any, tuple[Any, ...]]:
    """The function and arguments that make a plain tensor again, over its storage."""
    if x.is_meta:
        return _rebuild_meta_tensor_no_storage, (x.dtype, tuple(x.shape), x.stride(), x.requires_grad)
    place = (TypedStorage(x), x.storage_offset(), tuple(x.shape), x.stride())
    return _rebuild_tensor_v2, (*place, x.requires_grad, OrderedDict())


def _storage_from_bytes(data: bytes, dtype: Any) -> Any:
    """A storage with these bytes, typed where a dtype is given."""
    untyped = UntypedStorage(_core._tensor_from_bytes(data, _core.uint8, (len(data),), (1,)))
    return untyped if dtype is None else TypedStorage(wrap_storage=untyped, dtype=dtype, _internal=True)


def _constant(name: str) -> Any:
    """The dtype, layout or memory format of that name."""
    return getattr(tapeless, name)


def _device(text: str) -> Any:
    return _core.device(text)


def _size(sizes: tuple[int, ...]) -> Any:
    return tapeless.Size(sizes)


def _generator(state: _core.Tensor) -> Any:
    made = _core.Generator()
    made.set_state(state)
    return made


def _take_generator_state(self: _core.Generator, state: Any) -> None:
    """Continue from a state: the seed, an offset that only other devices have, and the state's bytes."""
    self.set_state(state[2])


_core.Generator.__setstate__ = _take_generator_state

# Plain pickle: the classes call themselves torch's, and where PyTorch's name means nobody, pickle could not find them.
copyreg.pickle(_core.dtype, lambda x: (_constant, (str(x).rpartition(".")[2],)))  # type: ignore[arg-type]
copyreg.pickle(layout, lambda x: (_constant, (x._name,)))  # type: ignore[arg-type]
copyreg.pickle(memory_format, lambda x: (_constant, (x._name,)))  # type: ignore[arg-type]
copyreg.pickle(_core.device, lambda x: (_device, (str(x),)))  # type: ignore[arg-type]
copyreg.pickle(tapeless.Size, lambda x: (_size, (tuple(x),)))  # type: ignore[arg-type]
copyreg.pickle(_core.Generator, lambda x: (_generator, (x.get_state(),)))  # type: ignore[arg-type]


# Several tensors as one


def _flatten_dense_tensors(tensors: Iterable[_core.Tensor]) -> _core.Tensor:
    """All elements of tensors of one dtype, one tensor after the other, as a vector."""
    flat = [x.contiguous().view(-1) for x in tensors]
    return flat[0].clone() if len(flat) == 1 else tapeless.cat(flat)


def _unflatten_dense_tensors(flat: _core.Tensor, tensors: Iterable[_core.Tensor]) -> tuple[_core.Tensor, ...]:
    """Views of a vector with the sizes of the given tensors, in their order."""
    outputs, offset = [], 0
    for x in tensors:
        outputs.append(flat.narrow(0, offset, x.numel()).view(x.shape))
        offset += x.numel()
    return tuple(outputs)


class KeyErrorMessage(str):
    """A text that prints with its line breaks where KeyError would print its repr."""

    def __repr__(self) -> str:
        return str(self)


class ExceptionWrapper:
    """An exception with the text of its traceback, to be raised again in another process."""

    def __init__(self, exc_info: Any = None, where: str = "in background") -> None:
        import traceback

        kind, value, trace = sys.exc_info() if exc_info is None else exc_info
        self.exc_type = kind
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace))
        self.where = where

    def reraise(self) -> None:
        """Raises an exception of the class, whose message holds the traceback of the other process."""
        message = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            message = KeyErrorMessage(message)
        elif getattr(self.exc_type, "message", None):
            raise self.exc_type(message=message)
        try:
            exception = self.exc_type(message)
        except Exception:
            raise RuntimeError(message) from None  # Its class cannot be made from a text alone.
        try:
            raise exception
        finally:
            # Else this frame and the exception's traceback would keep one another, and the loader, alive.
            del exception


def cpu_count() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
