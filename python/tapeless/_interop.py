# Sharing data with the rest of Python: NumPy's protocols, DLPack, pickling and deep copies.
"""`from_dlpack` and the methods of `Tensor` that other libraries call, installed by the import."""

from __future__ import annotations

import enum
from typing import Any

from tapeless import _core
from tapeless.utils.hooks import warn_if_has_hooks

_NON_LEAF = (
    "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
    "the moment.  If you were attempting to deepcopy a module, this may be because of a "
    "torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
)
_EXPORT_GRAD = "Can't export tensors that require gradient, use tensor.detach()"


# NumPy

from_numpy = _core.from_numpy


def _array(self: _core.Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    """The tensor as NumPy asks for it: over the same memory unless another dtype is wanted."""
    array = self.numpy()
    if dtype is not None:
        array = array.astype(dtype, copy=bool(copy))
    elif copy:
        array = array.copy()
    return array


def _array_wrap(self: _core.Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> _core.Tensor:
    """The result of a NumPy function of a tensor, as a tensor."""
    if not _core._is_array(array):
        return _core.tensor(array)
    return _core.from_numpy(array)


# DLPack


class DLDeviceType(enum.IntEnum):
    """Kinds of devices as DLPack numbers them."""

    kDLCPU = 1


def _dlpack_device(self: _core.Tensor) -> tuple[DLDeviceType, int]:
    """The DLPack kind and index of the tensor's device."""
    if self.device.type != "cpu":
        raise ValueError(f"Unknown device type {self.device.type} for Dlpack")
    return DLDeviceType.kDLCPU, 0


def _dlpack(
    self: _core.Tensor,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[Any, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A capsule that shares the tensor's memory."""
    if self.requires_grad:
        raise BufferError(_EXPORT_GRAD)
    if stream not in (None, -1):
        raise BufferError(f"__dlpack__: stream {stream!r}; the CPU has no streams, pass None")
    if dl_device is not None and (int(dl_device[0]), dl_device[1]) != (1, 0):
        raise BufferError(f"__dlpack__: cannot export to device {dl_device}; only (1, 0), the CPU")
    versioned = max_version is not None and max_version[0] >= 1
    return _core._to_dlpack(self.clone() if copy else self, versioned, bool(copy))


def to_dlpack(tensor: _core.Tensor) -> Any:
    """A DLPack capsule that shares the tensor's memory; it can be read once."""
    return _dlpack(tensor)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> _core.Tensor:
    """A tensor over the memory of any object with `__dlpack__`, or of a capsule."""
    if device is not None and _core.device(device).type != "cpu":
        raise ValueError(f"from_dlpack: device {device}; memory can be shared with the CPU only")
    x = _core._from_dlpack(ext_tensor)
    return x.clone() if copy else x


# Pickling


def _reduce_ex(self: _core.Tensor, protocol: int) -> tuple[Any, ...]:
    """The storage, geometry, the flag, the class and the attributes; neither gradient nor graph."""
    from tapeless._utils import _get_obj_state, _rebuild_from_type_v2, tensor_parts

    warn_if_has_hooks(self)
    make, parts = tensor_parts(self)
    if type(self) is _core.Tensor:
        return make, parts, self.__dict__ or None
    return _rebuild_from_type_v2, (make, type(self), parts, _get_obj_state(self))


# Copying

# Where a memo keeps, for each storage met, a tensor over its copy: views stay views of one another.
_STORAGES = "tapeless: copies of storages"


def _deepcopy(self: _core.Tensor, memo: dict[Any, Any]) -> _core.Tensor:
    """A leaf with its own memory, a copied gradient and copied attributes."""
    from copy import deepcopy

    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(_NON_LEAF)
    copies = memo.setdefault(_STORAGES, {})
    key = _core._storage_key(self)
    x = _core._over_copy(self, copies.get(key))
    copies.setdefault(key, x)
    if type(self) is not _core.Tensor:
        x = _core._make_subclass(type(self), x, False)
    if self.requires_grad:
        x.requires_grad_()
    memo[id(self)] = x
    if self.grad is not None:
        x.grad = deepcopy(self.grad, memo)
    if self.__dict__:
        x.__dict__.update(deepcopy(self.__dict__, memo))
    return x


for _name, _method in {
    "__array__": _array,
    "__array_wrap__": _array_wrap,
    "__array_priority__": 1000,
    "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device,
    "__reduce_ex__": _reduce_ex,
    "__deepcopy__": _deepcopy,
}.items():
    setattr(_core.Tensor, _name, _method)
