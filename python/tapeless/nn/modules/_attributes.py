# Attributes of modules: which of its dictionaries holds a name, and what may be assigned to it.
"""Registering parameters, buffers and modules, by method or by assignment."""

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.nn.modules._hooks import (
    _global_buffer_registration_hooks,
    _global_module_registration_hooks,
    _global_parameter_registration_hooks,
)
from tapeless.nn.modules._traversal import Traversal
from tapeless.nn.parameter import Buffer, Parameter


def _hooked(hooks: dict[int, Any], module: Any, name: str, value: Any) -> Any:
    """The value, or what the last registration hook that answers puts in its place."""
    for hook in hooks.values():
        answer = hook(module, name, value)
        if answer is not None:
            value = answer
    return value


class Attributes(Traversal):
    """What of Module decides where an attribute lives."""

    _non_persistent_buffers_set: set[str]

    def _check_new(self, kind: str, name: Any, held: dict[str, Any], dotted: str) -> None:
        """Refuse names that cannot be keys of a state_dict, and those of other attributes."""
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {tapeless.typename(name)}")
        if "." in name:
            raise KeyError(dotted)
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in held:
            raise KeyError(f"attribute '{name}' already exists")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but no parameter; one that is not persistent stays out of state_dict."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_new("buffer", name, self._buffers, 'buffer name can\'t contain "."')
        if tensor is not None and not (isinstance(tensor, Tensor) or hasattr(tensor, "__torch_function__")):
            raise TypeError(
                f"cannot assign '{tapeless.typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = _hooked(_global_buffer_registration_hooks, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None keeps the name free of other attributes and out of state_dict."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_new("parameter", name, self._parameters, 'parameter name can\'t contain "."')
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{tapeless.typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    "forward() method."
                )
            param = _hooked(_global_parameter_registration_hooks, self, name, param)
        self._parameters[name] = param

    def add_module(self, name: str, module: Any) -> None:
        """Add a child module, or None, under a name."""
        if module is not None and not isinstance(module, Attributes):
            raise TypeError(f"{tapeless.typename(module)} is not a Module subclass")
        self._check_new("module", name, self._modules, f'module name can\'t contain ".", got: {name}')
        self._modules[name] = _hooked(_global_module_registration_hooks, self, name, module)

    def register_module(self, name: str, module: Any) -> None:
        """Another name of `add_module`."""
        self.add_module(name, module)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_parameters" in own:
            held = own["_parameters"]
            if name in held:
                return held[name]
        if "_buffers" in own:
            held = own["_buffers"]
            if name in held:
                return held[name]
        if "_modules" in own:
            held = own["_modules"]
            if name in held:
                return held[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Tensor):
            if isinstance(value, Parameter):
                self._forget(name, "_buffers", "_modules", message="cannot assign parameters before")
                self.register_parameter(name, value)
                return
        elif isinstance(value, Attributes):
            if name not in own.get("_parameters", ()):
                self._forget(name, "_parameters", "_buffers", message="cannot assign module before")
                self._modules[name] = _hooked(_global_module_registration_hooks, self, name, value)
                return
        if name in own.get("_parameters", ()):
            _only_none(value, name, "parameter", "torch.nn.Parameter")
            self.register_parameter(name, value)
        elif name in own.get("_modules", ()):
            _only_none(value, name, "child module", "torch.nn.Module")
            self._modules[name] = _hooked(_global_module_registration_hooks, self, name, value)
        elif name in own.get("_buffers", ()) or (isinstance(value, Tensor) and isinstance(value, Buffer)):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _set_buffer(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Tensor):
            _only_none(value, name, "buffer", "torch.nn.Buffer, torch.Tensor")
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        if isinstance(value, Buffer) or name not in self._buffers:
            self._forget(name, "_parameters", "_modules", message="cannot assign buffer before")
            self.register_buffer(name, value, getattr(value, "persistent", True))
        else:
            self._buffers[name] = _hooked(_global_buffer_registration_hooks, self, name, value)

    def _forget(self, name: str, *dictionaries: str, message: str) -> None:
        """Take a name out of wherever it stood before it is assigned anew."""
        own = self.__dict__
        if "_parameters" not in own:
            raise AttributeError(f"{message} Module.__init__() call")
        own.pop(name, None)
        for dictionary in dictionaries:
            own[dictionary].pop(name, None)
        if "_buffers" in dictionaries:
            self._non_persistent_buffers_set.discard(name)

    def __delattr__(self, name: str) -> None:
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(name for name in names if not name[0].isdigit())


def _only_none(value: Any, name: str, kind: str, wanted: str) -> None:
    if value is not None:
        raise TypeError(f"cannot assign '{tapeless.typename(value)}' as {kind} '{name}' ({wanted} or None expected)")
