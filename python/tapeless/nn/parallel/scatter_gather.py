# Parts of batches to several devices, and back.
"""scatter and gather."""

from typing import Any

from tapeless import Tensor
from tapeless.nn.parallel._functions import Gather, Scatter

__all__ = ["gather", "scatter", "scatter_kwargs"]


def _mapped(obj: Any, count: int, leaf: Any) -> list[Any]:
    """One copy of a nested structure for each device, with its own part of each tensor."""
    if isinstance(obj, Tensor):
        return list(leaf(obj))
    if isinstance(obj, tuple) and hasattr(obj, "_fields"):
        return [type(obj)(*parts) for parts in zip(*(_mapped(part, count, leaf) for part in obj), strict=True)]
    if isinstance(obj, (list, tuple)) and obj:
        parted = zip(*(_mapped(part, count, leaf) for part in obj), strict=True)
        return [type(obj)(parts) for parts in parted]
    if isinstance(obj, dict) and obj:
        return [type(obj)(parts) for parts in zip(*(_mapped(part, count, leaf) for part in obj.items()), strict=True)]
    return [obj] * count


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> Any:
    """The parts of each tensor on each device."""
    return _mapped(inputs, len(target_gpus), lambda tensor: Scatter.apply(target_gpus, None, dim, tensor))


def scatter_kwargs(inputs: Any, kwargs: Any, target_gpus: Any, dim: int = 0) -> Any:
    """Scatter positional and keyword arguments, as many of the ones as of the others."""
    parts = scatter(inputs, target_gpus, dim) if inputs else []
    named = scatter(kwargs, target_gpus, dim) if kwargs else []
    count = max(len(parts), len(named))
    return tuple(parts + [()] * (count - len(parts))), tuple(named + [{}] * (count - len(named)))


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """Tensors of several devices joined on one."""
    first = outputs[0]
    if isinstance(first, Tensor):
        return Gather.apply(target_device, dim, *outputs)
    if first is None:
        return None
    if isinstance(first, dict):
        return type(first)((key, gather([each[key] for each in outputs], target_device, dim)) for key in first)
    return type(first)(gather(part, target_device, dim) for part in zip(*outputs, strict=True))
