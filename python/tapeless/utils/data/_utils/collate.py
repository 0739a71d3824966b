# Batches of samples: tensors, arrays, numbers and texts, in containers of any nesting.
"""default_collate and default_convert, and the table of what they do with each type."""

from __future__ import annotations

import collections
import copy
import re
from collections.abc import Callable
from typing import Any

import tapeless

_NOT_NUMBERS = re.compile(r"[SaUO]")
default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def _numpy_kind(x: Any) -> str:
    """ "array", "scalar", or "" for what is not NumPy's; NumPy is not imported to find out."""
    if type(x).__module__ != "numpy":
        return ""
    return "array" if type(x).__name__ in ("ndarray", "memmap") else "scalar" if hasattr(x, "dtype") else ""


def _like(container: Any, items: Any, plain: type) -> Any:
    """Items in a container of the same class; in a plain one where the class cannot be filled."""
    try:
        if isinstance(container, collections.abc.MutableMapping):
            clone = copy.copy(container)
            clone.update(items)
            return clone
        if isinstance(container, collections.abc.MutableSequence):
            clone = copy.copy(container)
            for at, item in enumerate(items):
                clone[at] = item
            return clone
        return type(container)(items)
    except TypeError:
        return plain(items)


def default_convert(data: Any) -> Any:
    """NumPy's arrays as tensors over the same memory, in containers of any nesting; everything else as it is."""
    if isinstance(data, tapeless.Tensor):
        return data
    kind = _numpy_kind(data)
    if kind == "array" and not _NOT_NUMBERS.search(data.dtype.str):
        return tapeless.as_tensor(data)
    if kind == "scalar" and data.dtype.kind in "biufc":
        return tapeless.as_tensor(data)
    if isinstance(data, collections.abc.Mapping):
        return _like(data, {key: default_convert(data[key]) for key in data}, dict)
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(item) for item in data))
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, collections.abc.Sequence) and not isinstance(data, (str, bytes)):
        return _like(data, [default_convert(item) for item in data], list)
    return data


def collate(batch: Any, *, collate_fn_map: dict[Any, Callable[..., Any]] | None = None) -> Any:
    """A batch by a table of functions for types; containers are gone through where the table has none for them."""
    element = batch[0]
    kind = type(element)
    table = collate_fn_map or {}
    function = table.get(kind) or next((f for key, f in table.items() if isinstance(element, key)), None)
    if function is None and collate_fn_map is default_collate_fn_map and _numpy_kind(element):
        function = collate_numpy_array_fn if _numpy_kind(element) == "array" else collate_numpy_scalar_fn
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(element, collections.abc.Mapping):
        return _like(
            element, {key: collate([one[key] for one in batch], collate_fn_map=collate_fn_map) for key in element}, dict
        )
    if isinstance(element, tuple) and hasattr(element, "_fields"):
        return kind(*(collate(samples, collate_fn_map=collate_fn_map) for samples in zip(*batch, strict=True)))
    if isinstance(element, collections.abc.Sequence):
        return _columns(batch, element, collate_fn_map)
    raise TypeError(default_collate_err_msg_format.format(kind))


def _columns(batch: Any, element: Any, table: Any) -> Any:
    if not all(len(one) == len(element) for one in batch):
        raise RuntimeError("each element in list of batch should be of equal size")
    columns = [collate(samples, collate_fn_map=table) for samples in zip(*batch, strict=True)]
    return columns if isinstance(element, tuple) else _like(element, columns, list)


def collate_tensor_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Tensors of one shape, stacked along a new first dimension."""
    return tapeless.stack(list(batch), 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Arrays as tensors, stacked; TypeError for arrays of texts or objects."""
    if _NOT_NUMBERS.search(batch[0].dtype.str) is not None:
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([tapeless.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Scalars of NumPy as a vector of their dtype."""
    return tapeless.as_tensor(batch)


def collate_float_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Floats as a vector of float64."""
    return tapeless.tensor(batch, dtype=tapeless.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Integers, or truth values, as a vector."""
    return tapeless.tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Texts as they are."""
    return batch


# What programs change to collate types of their own; NumPy's two are found by name, so that it is not imported here.
default_collate_fn_map: dict[Any, Callable[..., Any]] = {
    tapeless.Tensor: collate_tensor_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """A list of samples as one: tensors stacked, numbers as vectors (floats as float64), texts as they are."""
    return collate(batch, collate_fn_map=default_collate_fn_map)
