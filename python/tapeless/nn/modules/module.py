# Module: what every layer and every model derives from.
"""Module, and hooks for all modules.

Its methods live in files by idea: `_attributes` and `_traversal` (what a module owns), `_conversion` (changing all of
it), `_hooks` (the call), `_state_dict`.
"""

from collections import OrderedDict
from types import FunctionType
from typing import Any, TypeVar

from tapeless.nn.modules._attributes import Attributes
from tapeless.nn.modules._conversion import Conversion
from tapeless.nn.modules._hooks import (  # noqa: F401
    Hooks,
    _global_backward_hooks,
    _global_backward_pre_hooks,
    _global_buffer_registration_hooks,
    _global_forward_hooks,
    _global_forward_hooks_always_called,
    _global_forward_hooks_with_kwargs,
    _global_forward_pre_hooks,
    _global_module_registration_hooks,
    _global_parameter_registration_hooks,
    _has_any_global_hook,
    _WrappedHook,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from tapeless.nn.modules._state_dict import _EXTRA_STATE_KEY_SUFFIX, State, _IncompatibleKeys  # noqa: F401

__all__ = [
    "register_module_forward_pre_hook",
    "register_module_forward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_backward_hook",
    "register_module_full_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
    "Module",
]

T = TypeVar("T", bound="Module")

# A module's dictionaries of hooks but those of backward, in the order in which they are made.
_FORWARD_AND_STATE_HOOKS = """_forward_hooks _forward_hooks_with_kwargs
    _forward_hooks_always_called _forward_pre_hooks _forward_pre_hooks_with_kwargs _state_dict_hooks
    _state_dict_pre_hooks _load_state_dict_pre_hooks _load_state_dict_post_hooks""".split()


def _addindent(s_: str, numSpaces: int) -> str:
    """The text with every line but the first moved to the right."""
    return s_.replace("\n", "\n" + " " * numSpaces)


def _forward_unimplemented(self: Any, *input: Any) -> None:
    """What the module computes; subclasses define it."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Module(Attributes, Conversion, Hooks, State):
    """A part of a model: parameters, buffers and modules as attributes, and `forward`, which computes with them.

    Calling the module calls `forward` between its hooks. A subclass calls `super().__init__()` before it assigns.
    """

    T_destination = TypeVar("T_destination", bound=dict[str, Any])
    training: bool
    call_super_init: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        own = self.__dict__
        own["training"] = True
        own["_parameters"] = {}
        own["_buffers"] = {}
        own["_non_persistent_buffers_set"] = set()
        own["_backward_pre_hooks"] = OrderedDict()
        own["_backward_hooks"] = OrderedDict()
        own["_is_full_backward_hook"] = None
        for name in _FORWARD_AND_STATE_HOOKS:
            own[name] = OrderedDict()
        own["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward = _forward_unimplemented

    def _slow_forward(self, *input: Any, **kwargs: Any) -> Any:
        """`forward`: there is no tracing that it could be slow for."""
        return self.forward(*input, **kwargs)

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses of repr besides children; one line or several."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): {_addindent(repr(module), 2)}" for name, module in self._modules.items()]
        lines = extra_lines + child_lines
        if not lines:
            return self._get_name() + "()"
        if len(lines) == 1 and not child_lines:
            return f"{self._get_name()}({lines[0]})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # Files of earlier versions lack what was added since.
        for name in ("_backward_pre_hooks", "_backward_hooks", *_FORWARD_AND_STATE_HOOKS):
            self.__dict__.setdefault(name, OrderedDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    def _replicate_for_data_parallel(self) -> Any:
        """A shallow copy with dictionaries of its own, whose parameters are to be plain attributes."""
        replica = self.__new__(type(self))
        replica.__dict__ = self.__dict__.copy()
        replica._parameters = {}
        replica._buffers = replica._buffers.copy()
        replica._modules = replica._modules.copy()
        replica._is_replica = True
        return replica


# Errors and tracebacks name the methods as Module's, wherever they are written.
for _part in Module.__mro__[1:-1]:
    for _name, _method in vars(_part).items():
        if isinstance(_method, FunctionType):
            _method.__qualname__ = f"Module.{_name}"
