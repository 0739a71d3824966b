# Hooks of modules: registering them, for one module or for all, and the call that runs them.
"""Forward and backward hooks, and `Module.__call__`.

The order of a call: forward pre-hooks, the inputs pass the node that ends the backward pass of the module, `forward`,
forward hooks, the outputs pass the node that begins it. Hooks for all modules run before a module's own.
"""

import warnings
import weakref
from collections import OrderedDict
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.utils.hooks import BackwardHook, RemovableHandle

_global_forward_pre_hooks: dict[int, Any] = OrderedDict()
_global_forward_hooks: dict[int, Any] = OrderedDict()
_global_forward_hooks_with_kwargs: dict[int, bool] = OrderedDict()
_global_forward_hooks_always_called: dict[int, bool] = OrderedDict()
_global_backward_pre_hooks: dict[int, Any] = OrderedDict()
_global_backward_hooks: dict[int, Any] = OrderedDict()
_global_is_full_backward_hook: bool | None = None
_global_buffer_registration_hooks: dict[int, Any] = OrderedDict()
_global_module_registration_hooks: dict[int, Any] = OrderedDict()
_global_parameter_registration_hooks: dict[int, Any] = OrderedDict()

_MIXED_ON_A_MODULE = (
    "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them."
)
_MIXED_FOR_ALL = (
    "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
    "Please use only one of them."
)


def _has_any_global_hook() -> Any:
    return (
        _global_backward_pre_hooks
        or _global_backward_hooks
        or _global_forward_pre_hooks
        or _global_forward_hooks
        or _global_forward_hooks_always_called
        or _global_forward_hooks_with_kwargs
    )


def _added(hooks: dict[int, Any], hook: Any, *flagged: dict[int, bool], prepend: bool = False) -> RemovableHandle:
    """Put a hook into a dictionary, last or first, and its id into the dictionaries of flags."""
    handle = RemovableHandle(hooks, extra_dict=list(flagged) or None)
    hooks[handle.id] = hook
    for flags in flagged:
        flags[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_buffer_registration_hook(hook: Any) -> RemovableHandle:
    """Call hook(module, name, buffer) when any module registers a buffer; what it returns takes the buffer's place."""
    return _added(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Any) -> RemovableHandle:
    """Call hook(module, name, child) when any module gets a child; what it returns takes the child's place."""
    return _added(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Any) -> RemovableHandle:
    """Call hook(module, name, param) when any module registers a parameter; what it returns takes its place."""
    return _added(_global_parameter_registration_hooks, hook)


def register_module_forward_pre_hook(hook: Any) -> RemovableHandle:
    """Call hook(module, args) before the forward of every module."""
    return _added(_global_forward_pre_hooks, hook)


def register_module_forward_hook(hook: Any, *, with_kwargs: bool = False, always_call: bool = False) -> RemovableHandle:
    """Call hook(module, args, output), or (module, args, kwargs, output), after the forward of every module."""
    flagged = [_global_forward_hooks_with_kwargs] if with_kwargs else []
    if always_call:
        flagged.append(_global_forward_hooks_always_called)
    return _added(_global_forward_hooks, hook, *flagged)


def register_module_backward_hook(hook: Any) -> RemovableHandle:
    """Call hook(module, grad_input, grad_output) at the last node of every module's output (the old kind)."""
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is True:
        raise RuntimeError(_MIXED_FOR_ALL)
    _global_is_full_backward_hook = False
    return _added(_global_backward_hooks, hook)


def register_module_full_backward_pre_hook(hook: Any) -> RemovableHandle:
    """Call hook(module, grad_output) before the backward of every module."""
    return _added(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Any) -> RemovableHandle:
    """Call hook(module, grad_input, grad_output) when the gradients of every module's inputs are known."""
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is False:
        raise RuntimeError(_MIXED_FOR_ALL)
    _global_is_full_backward_hook = True
    return _added(_global_backward_hooks, hook)


def _are_tensors(values: Any) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, Tensor) for value in values)


class _WrappedHook:
    """A hook that may get its module first, which it holds weakly."""

    def __init__(self, hook: Any, module: Any = None) -> None:
        self.hook = hook
        self.__name__ = getattr(hook, "__name__", type(hook).__name__)
        self.__doc__ = getattr(hook, "__doc__", None)
        self.with_module = module is not None
        if self.with_module:
            self.module = weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["hook"])
        self.with_module = state["with_module"]
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


class Hooks:
    """What of Module registers hooks and calls `forward` between them."""

    _compiled_call_impl: Any = None
    _is_full_backward_hook: bool | None

    def register_forward_pre_hook(
        self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call hook(module, args) before `forward`; what it returns, if not None, replaces the positional arguments.

        With `with_kwargs` it is hook(module, args, kwargs), and returns both.
        """
        flagged = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return _added(self._forward_pre_hooks, hook, *flagged, prepend=prepend)

    def register_forward_hook(
        self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call hook(module, args, output) after `forward`; what it returns, if not None, replaces the output.

        With `with_kwargs` it is hook(module, args, kwargs, output); with `always_call` it runs when forward raises too.
        """
        flagged = [self._forward_hooks_with_kwargs] if with_kwargs else []
        if always_call:
            flagged.append(self._forward_hooks_always_called)
        return _added(self._forward_hooks, hook, *flagged, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Call hook(module, grad_output) when the outputs' gradients are known; what it returns replaces them."""
        return _added(self._backward_pre_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(module, grad_input, grad_output) at the last node of the output only (the old kind)."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(_MIXED_ON_A_MODULE)
        self._is_full_backward_hook = False
        return _added(self._backward_hooks, hook)

    def register_full_backward_hook(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Call hook(module, grad_input, grad_output) when the inputs' gradients are known; it may replace them."""
        if self._is_full_backward_hook is False:
            raise RuntimeError(_MIXED_ON_A_MODULE)
        self._is_full_backward_hook = True
        return _added(self._backward_hooks, hook, prepend=prepend)

    def _get_backward_hooks(self) -> tuple[list[Any], list[Any]]:
        """The full backward hooks and those of the old kind, for all modules and of this one."""
        full: list[Any] = []
        old: list[Any] = []
        for is_full, hooks in (
            (_global_is_full_backward_hook, _global_backward_hooks),
            (self._is_full_backward_hook, self._backward_hooks),
        ):
            (full if is_full is True else old).extend(hooks.values())
        return full, old

    def _get_backward_pre_hooks(self) -> list[Any]:
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]

    def _wrapped_call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """`forward` at once where nobody listens, the whole way otherwise."""
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or _global_forward_pre_hooks
            or _global_forward_hooks
            or _global_backward_hooks
            or _global_backward_pre_hooks
            or self._compiled_call_impl is not None
        ):
            return (self._compiled_call_impl or self._call_impl)(*args, **kwargs)
        return self.forward(*args, **kwargs)

    __call__ = _wrapped_call_impl

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        done: dict[str, Any] = {"hooks": set(), "result": None}
        try:
            return self._call_with_hooks(args, kwargs, done)
        except Exception:
            if self._forward_hooks_always_called or _global_forward_hooks_always_called:
                self._call_remaining(args, kwargs, done)
            raise

    def _call_with_hooks(self, args: Any, kwargs: Any, done: dict[str, Any]) -> Any:
        full, old = self._get_backward_hooks()
        before = self._get_backward_pre_hooks()
        args, kwargs = self._run_pre_hooks(args, kwargs)
        backward = None
        if full or before:
            backward = BackwardHook(self, full, before)
            args = backward.setup_input_hook(args)
        result = done["result"] = self.forward(*args, **kwargs)
        for key, hook in [*_global_forward_hooks.items(), *self._forward_hooks.items()]:
            done["hooks"].add(key)
            answer = self._run_forward_hook(key, hook, args, kwargs, result)
            if answer is not None:
                result = done["result"] = answer
        if backward is not None:
            if not isinstance(result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                    f"but received {type(result)}",
                    stacklevel=4,
                )
            result = backward.setup_output_hook(result)
        if old:
            self._hook_last_node(old, args, result)
        return result

    def _run_pre_hooks(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        for key, hook in [*_global_forward_pre_hooks.items(), *self._forward_pre_hooks.items()]:
            if key in self._forward_pre_hooks_with_kwargs:
                answer = hook(self, args, kwargs)
                if answer is None:
                    continue
                if not isinstance(answer, tuple) or len(answer) != 2:
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {answer}."
                    )
                args, kwargs = answer
            else:
                answer = hook(self, args)
                if answer is not None:
                    args = answer if isinstance(answer, tuple) else (answer,)
        return args, kwargs

    def _run_forward_hook(self, key: int, hook: Any, args: Any, kwargs: Any, result: Any) -> Any:
        if key in self._forward_hooks_with_kwargs or key in _global_forward_hooks_with_kwargs:
            return hook(self, args, kwargs, result)
        return hook(self, args, result)

    def _call_remaining(self, args: Any, kwargs: Any, done: dict[str, Any]) -> None:
        """After an exception: the hooks that are always called and were not yet; their own exceptions are warnings."""
        for kind, hooks, always in (
            ("global module", _global_forward_hooks, _global_forward_hooks_always_called),
            ("module", self._forward_hooks, self._forward_hooks_always_called),
        ):
            for key, hook in hooks.items():
                if key not in always or key in done["hooks"]:
                    continue
                try:
                    self._run_forward_hook(key, hook, args, kwargs, done["result"])
                except Exception as error:
                    warnings.warn(
                        f"{kind} forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}",
                        stacklevel=3,
                    )

    def _hook_last_node(self, hooks: list[Any], args: Any, result: Any) -> None:
        tensor = result
        while not isinstance(tensor, Tensor):
            if isinstance(tensor, dict):
                tensor = next(value for value in tensor.values() if isinstance(value, Tensor))
            else:
                tensor = tensor[0]
        node = tensor.grad_fn
        if node is not None:
            for hook in hooks:
                node.register_hook(_WrappedHook(hook, self))
            self._maybe_warn_non_full_backward_hook(args, result, node)

    def _maybe_warn_non_full_backward_hook(self, inputs: Any, result: Any, grad_fn: Any) -> None:
        """Say where a hook of the old kind sees other gradients than those of the module's inputs and outputs."""
        outputs, inputs = ((x,) if isinstance(x, Tensor) else x for x in (result, inputs))
        if not _are_tensors(outputs):
            why = "on a Module that does not return a single Tensor or a tuple of Tensors", "of the grad_output"
        elif not _are_tensors(inputs):
            why = "on a Module that does not take as input a single Tensor or a tuple of Tensors", "of the grad_input"
        elif len({x.grad_fn for x in outputs}) > 1:
            why = "when outputs are generated by different autograd Nodes", "grad_output"
        elif {x.grad_fn for x in inputs if x.grad_fn is not None} != {node for node, _ in grad_fn.next_functions}:
            why = "when the forward contains multiple autograd Nodes", "grad_input"
        else:
            return
        hook = "non-full backward hooks" if "Module" in why[0] else "a non-full backward hook"
        warnings.warn(
            f"Using {hook} {why[0]} is deprecated and will be removed in future versions. This hook will be missing "
            f"some {why[1]}. Please use register_full_backward_hook to get the documented behavior.",
            FutureWarning,
            stacklevel=5,
        )

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile this module's call in place, with the arguments of tapeless.compile."""
        self._compiled_call_impl = tapeless.compile(self._call_impl, *args, **kwargs)
