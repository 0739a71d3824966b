"""The recorded graph: its nodes and edges, hooks over several tensors, hooks on saved values."""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from tapeless import _core
from tapeless.utils.hooks import RemovableHandle

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]

Node = _core.Node


class GradientEdge(NamedTuple):
    """A place in the graph to which a gradient flows: output `output_nr` of a node."""

    node: Any
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The edge along which the gradient of `tensor` flows."""
    return GradientEdge(*_core._gradient_edge(tensor))


def increment_version(tensor: Any) -> None:
    """Note that one tensor, or each of several, was written to by other means."""
    for x in [tensor] if isinstance(tensor, _core.Tensor) else tensor:
        _core._increment_version(x)


class saved_tensors_hooks:
    """Values saved inside go through `pack_hook` when saved and `unpack_hook` when needed."""

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _core._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *_: object) -> None:
        _core._pop_saved_tensors_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Values saved inside wait for backward in the memory of the CPU."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(x: Any) -> tuple[Any, Any]:
            return x.device, x.cpu()

        def unpack(packed: tuple[Any, Any]) -> Any:
            device, x = packed
            return x.to(device)

        super().__init__(pack, unpack)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, using saved-tensor hooks raises a RuntimeError with this message."""
    before = _core._disable_saved_tensors_hooks(error_message)
    try:
        yield
    finally:
        _core._disable_saved_tensors_hooks(before)


class _MultiHandle(RemovableHandle):
    """Removes several hooks at once."""

    __slots__ = ("handles",)

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Remove all of them."""
        for handle in self.handles:
            handle.remove()

    def __getstate__(self) -> tuple[Any, ...]:
        return self.handles

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.handles = state


def _all_hook(count: int, fn: Callable[..., Any]) -> Callable[[int, Any], None]:
    """Collects the gradients of one backward and calls `fn` with them at its end."""
    lock = threading.Lock()
    waiting: dict[int, list[Any]] = {}

    def hook(index: int, g: Any) -> None:
        task = _core._current_graph_task_id()
        with lock:
            first = task not in waiting
            gradients = waiting.setdefault(task, [None] * count)
            gradients[index] = g
        if first:
            _core._queue_callback(lambda: fn(waiting.pop(task)))

    return hook


def _any_hook(fn: Callable[..., Any]) -> Callable[[int, Any], None]:
    """Calls `fn` with the first gradient of each backward."""
    lock = threading.Lock()
    last = -1

    def hook(_: int, g: Any) -> None:
        nonlocal last
        task = _core._current_graph_task_id()
        with lock:
            if task == last:
                return
            last = task
        fn(g)

    return hook


def register_multi_grad_hook(tensors: Iterable[Any], fn: Callable[..., Any], *, mode: str = "all") -> RemovableHandle:
    """Call `fn` once per backward: with all gradients, or with the first for `mode="any"`.

    Gradients of tensors that this backward did not reach are None.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = list(tensors)
    hook = _all_hook(len(tensors), fn) if mode == "all" else _any_hook(fn)
    return _MultiHandle([x.register_hook(functools.partial(hook, i)) for i, x in enumerate(tensors)])
