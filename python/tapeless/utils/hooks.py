"""Handles by which hooks are removed."""

import itertools
import warnings
import weakref
from collections import OrderedDict
from typing import Any

from tapeless import _core

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]

_ids = itertools.count()


class RemovableHandle:
    """Stands for one registered hook; `remove()` or the end of a `with` block takes it away.

    Ids grow with every registration, so the order of ids is the order of hooks.
    """

    __slots__ = ("__weakref__", "extra_dict_ref", "hooks_dict_ref", "id")

    id: int

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.id = next(_ids)
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        extra = extra_dict if extra_dict is not None else ()
        dicts = extra if isinstance(extra, (list, tuple)) else (extra,)
        self.extra_dict_ref = tuple(weakref.ref(d) for d in dicts)

    def remove(self) -> None:
        """Remove the hook; doing so again changes nothing."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        hooks, self.id, *extra = state
        self.hooks_dict_ref = weakref.ref(OrderedDict() if hooks is None else hooks)
        dicts = extra[0] if extra else ()
        self.extra_dict_ref = tuple(weakref.ref(d) for d in dicts if d is not None)

    def __enter__(self) -> "RemovableHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def unserializable_hook(f: Any) -> Any:
    """Mark a hook that cannot be pickled; it is left out with a warning."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn for each hook of a tensor that pickling will leave out."""
    for hook in list((_core._tensor_hooks(tensor) or {}).values()):
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  "
                "If this is expected, you can decorate the function with "
                "@torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=2,
            )


class BackwardHook:
    """Runs the full backward hooks of one call of a module.

    Inputs and outputs pass identity nodes: at that of the outputs grad_output is known, at that of the inputs
    grad_input. Where no input requires gradients, the hooks run at the outputs, with None for the inputs.
    """

    def __init__(self, module: Any, user_hooks: Any, user_pre_hooks: Any) -> None:
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.module = module
        self.grad_outputs: Any = None
        self.n_outputs = -1
        self.output_tensors_index: list[int] | None = None
        self.n_inputs = -1
        self.input_tensors_index: list[int] | None = None

    def _pack_with_none(self, indices: list[int], values: Any, size: int) -> tuple[Any, ...]:
        packed = [None] * size
        for i, value in zip(indices, values, strict=True):
            packed[i] = value
        return tuple(packed)

    def _unpack_none(self, indices: list[int], values: Any) -> tuple[Any, ...]:
        return tuple(values[i] for i in indices)

    def _set_user_hook(self, grad_fn: Any) -> None:
        def hook(grad_input: Any, _: Any) -> Any:
            if self.grad_outputs is None:
                return None  # The gradient came by another way than through the module's outputs.
            packed = self._pack_with_none(self.input_tensors_index, grad_input, self.n_inputs)
            for user_hook in self.user_hooks:
                answer = user_hook(self.module, packed, self.grad_outputs)
                if answer is not None:
                    packed = _as_many(answer, len(packed), "Backward hook", "grad_input")
            self.grad_outputs = None
            return self._unpack_none(self.input_tensors_index, packed)

        grad_fn.register_hook(hook)

    def _set_pre_hook(self, grad_fn: Any) -> None:
        def hook(grad_input: Any, grad_output: Any) -> Any:
            self.grad_outputs = self._pack_with_none(self.output_tensors_index, grad_output, self.n_outputs)
            for user_pre_hook in self.user_pre_hooks:
                answer = user_pre_hook(self.module, self.grad_outputs)
                if answer is not None:
                    count = len(self.grad_outputs)
                    self.grad_outputs = _as_many(answer, count, "Backward pre hook", "grad_output")
            replaced = self.grad_outputs
            if self.input_tensors_index is None:
                self._call_without_inputs()
            return self._unpack_none(self.output_tensors_index, replaced)

        grad_fn.register_hook(hook)

    def _call_without_inputs(self) -> None:
        grad_inputs = self._pack_with_none([], [], self.n_inputs)
        if self.user_hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
                "#torch.nn.Module.register_full_backward_hook for more details.",
                stacklevel=5,
            )
        for user_hook in self.user_hooks:
            answer = user_hook(self.module, grad_inputs, self.grad_outputs)
            if answer is not None and not (isinstance(answer, tuple) and all(each is None for each in answer)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None "
                    "for all gradients."
                )
        self.grad_outputs = None

    def _through_identity(self, setter: Any, args: tuple[Any, ...]) -> tuple[Any, list[int] | None]:
        """The arguments with their tensors passed through one node, which gets a hook; and where the tensors stand."""
        where = [i for i, arg in enumerate(args) if isinstance(arg, _core.Tensor)]
        tensors = [args[i] for i in where]
        if not (_core.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            return args, None
        from tapeless.nn.modules._functions import BackwardHookFunction

        passed = BackwardHookFunction.apply(*tensors)
        passed = passed if isinstance(passed, tuple) else (passed,)
        nodes = [tensor.grad_fn for tensor in passed if tensor.grad_fn is not None]
        setter(nodes[0])
        replaced = list(args)
        for i, tensor in zip(where, passed, strict=True):
            replaced[i] = tensor
        return (type(args)(*replaced) if hasattr(args, "_fields") else tuple(replaced)), where

    def setup_input_hook(self, args: Any) -> Any:
        """The module's arguments, through the node that ends its backward pass."""
        self.n_inputs = len(args)
        args, self.input_tensors_index = self._through_identity(self._set_user_hook, args)
        return args

    def setup_output_hook(self, args: Any) -> Any:
        """The module's output, through the node that begins its backward pass."""
        is_tuple = isinstance(args, tuple)
        outputs = args if is_tuple else (args,)
        self.n_outputs = len(outputs)
        outputs, self.output_tensors_index = self._through_identity(self._set_pre_hook, outputs)
        return outputs if is_tuple else outputs[0]


def _as_many(answer: Any, count: int, what: str, gradients: str) -> tuple[Any, ...]:
    """A hook's answer as a tuple of that many gradients."""
    answer = answer if isinstance(answer, tuple) else (answer,)
    if len(answer) != count:
        raise RuntimeError(f"{what} returned an invalid number of {gradients}, got {len(answer)}, but expected {count}")
    return answer
