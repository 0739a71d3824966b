# state_dict and load_state_dict: a module's state as a dictionary of tensors under dotted names.
"""Saving and loading the state of modules."""

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from typing import Any

import tapeless
from tapeless.nn.modules._hooks import _added, _WrappedHook
from tapeless.nn.parameter import Parameter, is_lazy
from tapeless.utils.hooks import RemovableHandle

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What load_state_dict found wanting and superfluous."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"

    __str__ = __repr__


def _unreachable(method: str) -> RuntimeError:
    return RuntimeError(f"Reached a code path in Module.{method}() that should never be called: override it first.")


class State:
    """What of Module writes its state into a dictionary and reads it back."""

    _version: int = 1
    dump_patches: bool = False

    def get_extra_state(self) -> Any:
        """Something picklable beside the tensors, which state_dict includes; to be overridden with set_extra_state."""
        raise _unreachable("get_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take what get_extra_state returned."""
        raise _unreachable("set_extra_state")

    def _overrides_extra_state(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(State, method)

    # Hooks

    def _register_state_dict_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(module, state_dict, prefix, local_metadata) after state_dict; its answer replaces that."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was "
                "previously registered via register_state_dict_post_hook"
            )
        return _added(self._state_dict_hooks, hook)

    def register_state_dict_post_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(module, state_dict, prefix, local_metadata) after state_dict, to change the dictionary in place."""
        hook._from_public_api = True
        return _added(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(module, prefix, keep_vars) before state_dict."""
        return _added(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(self, hook: Any, with_module: bool = False) -> RemovableHandle:
        """Call hook with what _load_from_state_dict gets, the module before it if asked for."""
        return _added(self._load_state_dict_pre_hooks, _WrappedHook(hook, self if with_module else None))

    def register_load_state_dict_pre_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(module, state_dict, prefix, local_metadata, strict, missing, unexpected, errors) before loading."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(module, incompatible_keys) after loading; it may change the lists of keys in place."""
        return _added(self._load_state_dict_post_hooks, hook)

    # Saving

    def _own_state(self) -> dict[str, Any]:
        """The parameters and persistent buffers of this module alone."""
        kept = {name: b for name, b in self._buffers.items() if name not in self._non_persistent_buffers_set}
        return {name: x for name, x in {**self._parameters, **kept}.items() if x is not None}

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Write the state of this module alone."""
        for name, tensor in self._own_state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if self._overrides_extra_state("get_extra_state"):
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Parameters and persistent buffers under dotted names, sharing memory with the module.

        With `keep_vars` the tensors themselves, otherwise detached from the graph.
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            answer = hook(self, destination, prefix, local_metadata)
            if answer is None:
                continue
            if getattr(hook, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            destination = answer
        return destination

    # Loading

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Read the state of this module alone; what is wrong is added to the three lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._own_state()
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, held in own.items():
            key = prefix + name
            if key in state_dict:
                error = self._load_one(name, held, key, state_dict[key], assign)
                error_msgs.extend([error] if error else [])
            elif strict:
                missing_keys.append(key)
        extra = prefix + _EXTRA_STATE_KEY_SUFFIX
        if self._overrides_extra_state("set_extra_state"):
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                head, dot, _ = key.removeprefix(prefix).partition(".")
                if key.startswith(prefix) and key != extra and head not in (self._modules if dot else own):
                    unexpected_keys.append(key)

    def _load_one(self, name: str, held: Any, key: str, given: Any, assign: bool) -> str | None:
        """Copy or assign one tensor; the line that says why that was not possible, or None."""
        if not tapeless.overrides.is_tensor_like(given):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(given)}"
            )
        if not is_lazy(held):
            if held.dim() == 0 and given.dim() == 1:
                given = given[0]  # Numbers were vectors of one element in the first files of this format.
            if given.shape != held.shape:
                return (
                    f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                    f"current model is {held.shape}."
                )
        if held.is_meta and not given.is_meta and not assign:
            warnings.warn(
                f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current "
                "model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary "
                "to their corresponding key in the module instead of copying them in place?)",
                stacklevel=2,
            )
        try:
            with tapeless.no_grad():
                if assign:
                    setattr(self, name, _in_place_of(held, given))
                else:
                    held.copy_(given)
        except Exception as error:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are {held.size()} and '
                f"whose dimensions in the checkpoint are {given.size()}, an exception occurred : {error.args}."
            )
        return None

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> _IncompatibleKeys:
        """Read what state_dict wrote; returns the missing and the unexpected keys.

        `strict` makes an error of them; `assign` takes the tensors themselves rather than their values.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        found = _IncompatibleKeys([], [])
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata
        _load(self, state_dict, "", metadata, assign, found, errors)
        if strict:
            for kind, keys in (("Unexpected", found.unexpected_keys), ("Missing", found.missing_keys)):
                if keys:
                    listed = ", ".join(f'"{key}"' for key in keys)
                    errors.insert(0, f"{kind} key(s) in state_dict: {listed}. ")
        if errors:
            lines = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{lines}")
        return found


def _in_place_of(held: Any, given: Any) -> Any:
    """What is assigned for a tensor that the module holds: a parameter for a parameter."""
    if not isinstance(held, Parameter):
        return given
    if isinstance(given, Parameter):
        return given.requires_grad_(held.requires_grad)
    return Parameter(given, requires_grad=held.requires_grad)


def _load(
    module: Any, state: Any, prefix: str, metadata: Any, assign: bool, found: _IncompatibleKeys, errors: list[str]
) -> None:
    local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
    if assign:
        local_metadata["assign_to_params_buffers"] = assign
    module._load_from_state_dict(state, prefix, local_metadata, True, found[0], found[1], errors)
    for name, child in module._modules.items():
        if child is not None:
            path = f"{prefix}{name}."
            below = {key: value for key, value in state.items() if key.startswith(path)}
            _load(child, below, path, metadata, assign, found, errors)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, found) is not None:
            raise AssertionError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, "
                "if incompatible_keys need to be modified, it should be done inplace."
            )
