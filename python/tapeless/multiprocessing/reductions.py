# How tensors travel between processes, and memory that several processes see.
"""Reductions for multiprocessing's pickler, and what `Tensor.share_memory_` does."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from multiprocessing import reduction
from typing import Any

import tapeless
from tapeless import _core, _utils


class _Shared(mmap.mmap):
    """Memory of a file without a name, which processes hand on by its descriptor."""

    descriptor: int

    def __del__(self) -> None:
        os.close(self.descriptor)


# By the storage's key; a key whose memory is gone means nothing.
_shared: dict[int, weakref.ref[_Shared]] = {}


def _mapped(descriptor: int, nbytes: int) -> _core.Tensor:
    """The bytes of a shared file, as a tensor that keeps the memory alive."""
    block = _Shared(descriptor, nbytes)
    block.descriptor = descriptor
    flat = _core._frombuffer(block, _core.uint8, nbytes, 0)
    for key in [key for key, held in _shared.items() if held() is None]:
        del _shared[key]
    _shared[_core._storage_key(flat)] = weakref.ref(block)
    return flat


def _block_of(x: _core.Tensor) -> _Shared | None:
    held = _shared.get(_core._storage_key(x))
    return held() if held else None


def is_shared(x: _core.Tensor) -> bool:
    """Whether other processes see writes to the tensor's memory."""
    return _block_of(x) is not None


def share_memory_(x: _core.Tensor) -> _core.Tensor:
    """Moves a tensor's storage into memory that processes started or sent to later share; the tensor itself."""
    nbytes = _core._storage_nbytes(x)
    init_reductions()  # Parameter may have been imported since.
    if is_shared(x) or not nbytes or x.is_meta:
        return x
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tensor")
    else:
        descriptor, path = tempfile.mkstemp()
        os.unlink(path)
    os.ftruncate(descriptor, nbytes)
    flat = _mapped(descriptor, nbytes)
    flat.copy_(x.detach().untyped_storage()._flat())
    x.data = _typed(flat, x.dtype, tuple(x.shape), x.stride(), x.storage_offset())
    return x


def _typed(flat: _core.Tensor, dtype: Any, size: Any, stride: Any, offset: int) -> _core.Tensor:
    return flat.view(dtype).as_strided(size, stride, offset).detach()


def _rebuild_shared(handle: Any, nbytes: int, dtype: Any, size: Any, stride: Any, offset: int) -> _core.Tensor:
    return _typed(_mapped(handle.detach(), nbytes), dtype, size, stride, offset)


def _rebuild_bytes(data: Any, dtype: Any, size: Any, stride: Any) -> _core.Tensor:
    return _core._tensor_from_bytes(data, dtype, size, stride)


def _finished(x: _core.Tensor, requires_grad: bool, cls: Any, state: Any) -> _core.Tensor:
    """The tensor with its flag, class and attributes."""
    if cls is not None:
        x = _core._make_subclass(cls, x, requires_grad)
    elif requires_grad:
        x.requires_grad_()
    return _utils._set_obj_state(x, state) if state else x


def _taken_apart(x: _core.Tensor) -> Any:
    if x.requires_grad and not x.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
            "crossing process boundaries.  If you just want to transfer the data, call detach() on the tensor before "
            "serializing (e.g., putting it on the queue)."
        )
    if x.is_meta:
        return x.__reduce_ex__(2)
    block = _block_of(x)
    place = (tuple(x.shape), x.stride())
    if block is not None:
        handle = reduction.DupFd(block.descriptor)
        parts = (_rebuild_shared, (handle, len(block), x.dtype, *place, x.storage_offset()))
    else:
        data, stride = _core._storage_bytes(x.detach())
        parts = (_rebuild_bytes, (data, x.dtype, tuple(x.shape), stride))
    cls = None if type(x) is _core.Tensor else type(x)
    return _assembled, (*parts, x.requires_grad, cls, x.__dict__ or None)


def _assembled(make: Any, arguments: Any, requires_grad: bool, cls: Any, state: Any) -> _core.Tensor:
    return _finished(make(*arguments), requires_grad, cls, state)


def _parameter_apart(x: Any) -> Any:
    return _parameter, (
        _taken_apart(x.detach().as_subclass(_core.Tensor)),
        x.requires_grad,
        type(x),
        x.__dict__ or None,
    )


def _parameter(parts: Any, requires_grad: bool, cls: Any, state: Any) -> Any:
    make, arguments = parts
    init_reductions()
    made = cls(make(*arguments), requires_grad)
    return _utils._set_obj_state(made, state) if state else made


def init_reductions() -> None:
    """Teaches multiprocessing's pickler tensors and parameters."""
    reduction.ForkingPickler.register(tapeless.Tensor, _taken_apart)
    kind = _utils.parameter_type()
    if kind is not None:
        reduction.ForkingPickler.register(kind, _parameter_apart)
