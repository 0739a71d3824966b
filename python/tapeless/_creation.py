# Making tensors: the core's functions under their public names, and those made of them in Python.
"""Functions that make tensors from sizes, numbers and data of other libraries."""

from __future__ import annotations

from typing import Any

from tapeless import _core

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "bernoulli",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "eye",
    "frombuffer",
    "full",
    "full_like",
    "linspace",
    "logspace",
    "normal",
    "ones",
    "ones_like",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "range",
    "scalar_tensor",
    "tensor",
    "zeros",
    "zeros_like",
]

tensor = _core.tensor
empty = _core.empty
zeros = _core.zeros
ones = _core.ones
full = _core.full
arange = _core.arange
linspace = _core.linspace
logspace = _core.logspace
eye = _core.eye
empty_strided = _core.empty_strided
scalar_tensor = _core.scalar_tensor
empty_like = _core.empty_like
zeros_like = _core.zeros_like
ones_like = _core.ones_like
full_like = _core.full_like
rand = _core.rand
randn = _core.randn
randint = _core.randint
randperm = _core.randperm
rand_like = _core.rand_like
randn_like = _core.randn_like
randint_like = _core.randint_like
bernoulli = _core.bernoulli


def empty_permuted(size: Any, physical_layout: Any, **options: Any) -> _core.Tensor:
    """An uninitialised tensor without gaps whose dimensions lie in memory in the given order, slowest first."""
    rank = len(size)
    if rank != len(physical_layout):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {rank} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    strides, step = [0] * rank, 1
    for at, dim in enumerate(physical_layout):
        if not 0 <= dim < rank:
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {rank - 1}, but got {dim} at index {at}). "
                "NB: negative dims not currently supported; file an issue if you want it."
            )
        if dim in physical_layout[:at]:
            raise RuntimeError("Duplicate dim not allowed in physical_layout")
    for dim in reversed(physical_layout):
        strides[dim] = step
        step *= max(size[dim], 1)
    return empty_strided(size, strides, **options)


def range(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None, **options: Any) -> _core.Tensor:
    """Values from start to end, which is included, in steps: the old form of arange. No derivative."""
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = int((end - start) / step) + 1
    dtype = _core.get_default_dtype() if dtype is None else dtype
    return _core.arange(start, start + (count - 0.5) * step, step, dtype=dtype, **options)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> _core.Tensor:
    """The data as a tensor; a tensor or an array shares its memory where dtype and device allow."""
    if isinstance(data, _core.Tensor):
        return _placed(data, dtype, device)
    if _core._is_array(data):
        return _placed(_core.from_numpy(data), dtype, device)
    return tensor(data, dtype=dtype, device=device)


def _placed(x: _core.Tensor, dtype: Any, device: Any) -> _core.Tensor:
    """x itself if it already has the dtype and device."""
    if dtype is not None and x.dtype != dtype:
        x = x.to(dtype)
    if device is not None and x.device.type != _core.device(device).type:
        x = x.to(device)
    return x


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> _core.Tensor:
    """The object as a tensor over its memory where that is possible, unless `copy` is True.

    With `copy=False` it is a ValueError where it is not possible.
    """
    shared: _core.Tensor | None = None
    if isinstance(obj, _core.Tensor):
        shared = obj
    elif _core._is_array(obj):
        shared = _core.from_numpy(obj)
    elif hasattr(obj, "__dlpack__"):
        shared = _core._from_dlpack(obj)
    if shared is None:
        if copy is False:
            raise ValueError(
                "can't alias arbitrary sequence: asarray(copy=False) needs a tensor, an array or "
                "an object with __dlpack__; leave copy out"
            )
        return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    x = _placed(shared, dtype, device)
    if copy is False and x is not shared:
        raise ValueError(
            "can't alias tensor with another dtype or device: asarray(copy=False) was asked for "
            "one that the object does not have; leave copy out"
        )
    if copy and x is shared:
        x = x.clone()
    if x.requires_grad and not requires_grad:
        x = x.detach()
    elif requires_grad and not x.requires_grad:
        x = x.detach().requires_grad_()
    return x


def frombuffer(
    buffer: Any,
    *,
    dtype: Any,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> _core.Tensor:
    """A 1-dimensional tensor over the memory of an object with the buffer protocol."""
    x = _core._frombuffer(buffer, dtype, count, offset)
    return x.requires_grad_() if requires_grad else x


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Any = None,
    out: _core.Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> _core.Tensor:
    """Normal numbers: of `size` with one mean and std, or one for each element of tensors."""
    tensors = [x for x in (mean, std) if isinstance(x, _core.Tensor)]
    if size is not None and tensors:
        raise TypeError("normal(): size goes with numbers; the tensors given already have sizes")
    if not tensors:
        if size is None:
            raise TypeError('normal() missing 1 required positional argument: "size"')
        if isinstance(std, (int, float)) and std < 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        if out is None:
            x = empty(size, dtype=dtype, layout=layout, device=device, pin_memory=pin_memory).normal_(
                mean, std, generator=generator
            )
            return x.requires_grad_() if requires_grad else x
        return empty(size, out=out).normal_(mean, std, generator=generator)
    x = _normal_around(mean, std, tensors, generator)
    return x if out is None else out.copy_(x)


def _normal_around(mean: Any, std: Any, tensors: list[Any], generator: Any) -> _core.Tensor:
    """Draws around tensors of means or with tensors of deviations; recorded, with gradient 0."""
    means, deviations = (x if isinstance(x, _core.Tensor) else None for x in (mean, std))
    center = mean if means is None else means.detach()
    deviation = std if deviations is None else deviations.detach()
    if deviations is None and std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    known = deviations is not None and deviation.numel() and not deviation.is_meta
    if known and deviation.min().item() < 0:
        raise RuntimeError("normal expects all elements of std >= 0.0")
    draws = empty((center + deviation).shape, dtype=tensors[0].dtype, device=tensors[0].device)
    if deviations is None:
        x = draws.normal_(0, std, generator=generator) + center
    else:
        x = draws.normal_(generator=generator) * deviation + center
    return _core._recorded_normal(x, means, deviations)


