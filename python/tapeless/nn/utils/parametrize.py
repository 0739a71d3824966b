# Parametrizations: a tensor of a module that is computed by other modules from what is stored.
"""register_parametrization and what goes with it.

The module's class becomes a subclass on which the tensor's name is a property. What is stored, and trained, is
`module.parametrizations.NAME.original` (or original0, original1, ... where a right inverse gives several tensors).
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.nn.modules.container import ModuleDict, ModuleList
from tapeless.nn.modules.module import Module
from tapeless.nn.parameter import Parameter

__all__ = [
    "cached", "ParametrizationList", "register_parametrization", "is_parametrized", "remove_parametrizations",
    "type_before_parametrizations", "transfer_parametrizations_and_params",
]  # fmt: skip

_cache_enabled = 0
_cache: dict[tuple[int, str], Tensor | None] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Within it, every parametrized tensor is computed once and then kept."""
    global _cache_enabled
    _cache_enabled += 1
    try:
        yield
    finally:
        _cache_enabled -= 1
        if not _cache_enabled:
            _cache.clear()


def _register_parameter_or_buffer(module: Any, name: str, X: Tensor) -> None:
    if isinstance(X, Parameter):
        module.register_parameter(name, X)
    else:
        module.register_buffer(name, X)


def _maybe_set(dest: Tensor, src: Tensor) -> None:
    """Let one tensor take another's values and shape, by sharing its memory."""
    dest.data = src.detach()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in the order in which they are applied, and the stored tensors."""

    original: Tensor
    unsafe: bool

    def __init__(self, modules: Sequence[Any], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        stored = self._inverted(original)
        if not isinstance(stored, Tensor) and not isinstance(stored, Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(stored).__name__}"
            )
        self.is_tensor = isinstance(stored, Tensor)
        self.ntensors = 1 if self.is_tensor else len(stored)
        if self.is_tensor:
            if original.dtype != stored.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {stored.dtype}"
                )
            with tapeless.no_grad():
                _maybe_set(original, stored)
            _register_parameter_or_buffer(self, "original", original)
        else:
            self._store_several(original, stored)
        if not self.unsafe:
            self._check(shape, dtype)

    @tapeless.no_grad()
    def _inverted(self, original: Tensor) -> Any:
        """What the right inverses, from the last to the first, make of a tensor."""
        stored: Any = original
        for module in reversed(list(self)):
            if hasattr(module, "right_inverse"):
                with suppress(NotImplementedError):
                    stored = module.right_inverse(stored)
        return stored

    def _store_several(self, original: Tensor, stored: Any) -> None:
        for i, tensor in enumerate(stored):
            if not isinstance(tensor, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                    f"Got element {i} of the sequence with type {type(tensor).__name__}."
                )
            if isinstance(original, Parameter):
                tensor = Parameter(tensor, original.requires_grad)
            tensor.requires_grad_(original.requires_grad)
            _register_parameter_or_buffer(self, f"original{i}", tensor)

    def _check(self, shape: Any, dtype: Any) -> None:
        """The parametrized tensor must be like the tensor that it stands for."""
        Z = self()
        if not isinstance(Z, Tensor):
            raise ValueError(f"A parametrization must return a tensor. Got {type(Z).__name__}.")
        if Z.dtype != dtype:
            raise ValueError(
                "Registering a parametrization may not change the dtype of the tensor, unless `unsafe` flag is "
                f"enabled.\nunparametrized dtype: {dtype}\nparametrized dtype: {Z.dtype}"
            )
        if Z.shape != shape:
            raise ValueError(
                "Registering a parametrization may not change the shape of the tensor, unless `unsafe` flag is "
                f"enabled.\nunparametrized shape: {shape}\nparametrized shape: {Z.shape}"
            )

    def _originals(self) -> list[Tensor]:
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def right_inverse(self, value: Tensor) -> None:
        """Store what makes the parametrized tensor equal to a value, by the right inverses of all parametrizations."""
        with tapeless.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            values = [value] if self.is_tensor else value
            if self.is_tensor and not isinstance(value, Tensor):
                raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
            if not isinstance(values, Sequence):
                raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(values).__name__}.")
            if len(values) != self.ntensors:
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors of length "
                    f"{self.ntensors}. Got a sequence of length {len(values)}."
                )
            for i, (stored, tensor) in enumerate(zip(self._originals(), values, strict=True)):
                if not isinstance(tensor, Tensor):
                    raise ValueError(f"`right_inverse` must return a sequence of tensors. Got {type(tensor).__name__}")
                if stored.dtype != tensor.dtype:
                    what = "The tensor" if self.is_tensor else f"Tensor {i}"
                    raise ValueError(
                        f"{what} returned by `right_inverse` has dtype {tensor.dtype} while `original` has dtype "
                        f"{stored.dtype}"
                    )
                _maybe_set(stored, tensor)

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *others = self
        value = first(*self._originals())
        for module in others:
            value = module(value)
        return value


def _deepcopied(self: Any, memo: dict[int, Any]) -> Any:
    """A copy of a module whose class has no __deepcopy__ of its own."""
    if id(self) in memo:
        return memo[id(self)]
    replica = self.__new__(self.__class__)
    memo[id(self)] = replica
    replica.__dict__ = copy.deepcopy(self.__dict__, memo)
    return replica


def _refuse_pickling(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). See:\n"
        "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
        "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
    )


def _inject_new_class(module: Module) -> None:
    """Give a module a class of its own, on which properties can be set."""
    cls = module.__class__
    added: dict[str, Any] = {"__getstate__": _refuse_pickling}
    if not hasattr(cls, "__deepcopy__"):
        added["__deepcopy__"] = _deepcopied
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), added)


def _inject_property(module: Module, tensor_name: str) -> None:
    """Put the property that computes a tensor on the module's class."""
    if hasattr(module, tensor_name):
        raise AssertionError(f"Module already has an attribute named '{tensor_name}'")

    def get_parametrized(self: Any) -> Any:
        if not _cache_enabled:
            return self.parametrizations[tensor_name]()
        key = (id(self), tensor_name)
        if _cache.get(key) is None:
            _cache[key] = self.parametrizations[tensor_name]()
        return _cache[key]

    def set_original(self: Any, value: Tensor) -> None:
        self.parametrizations[tensor_name].right_inverse(value)

    setattr(module.__class__, tensor_name, property(get_parametrized, set_original))


def register_parametrization(module: Any, tensor_name: str, parametrization: Any, *, unsafe: bool = False) -> Any:
    """Let a module compute a parameter or buffer by another module from what is stored instead.

    A second one is applied to the result of the first. Unless `unsafe`, shape and dtype may not change.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_another(getattr(module, tensor_name), parametrization, tensor_name)
        module.parametrizations[tensor_name].append(parametrization)
        module.parametrizations[tensor_name].unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        parametrizations = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _inject_new_class(module)
            module.parametrizations = ModuleDict()
        _inject_property(module, tensor_name)
        module.parametrizations[tensor_name] = parametrizations
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def _check_another(Y: Tensor, parametrization: Any, name: str) -> None:
    """A further parametrization must give a tensor like the one it gets, and so must its right inverse."""
    X = parametrization(Y)
    if not isinstance(X, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(X).__name__}.")
    for quality in ("dtype", "shape"):
        if getattr(X, quality) != getattr(Y, quality):
            raise ValueError(
                f"Registering a parametrization may not change the {quality} of the tensor, unless the `unsafe` flag "
                f"is enabled.\nmodule.{name}.{quality}: {getattr(Y, quality)}\n"
                f"parametrization(module.{name}).{quality}: {getattr(X, quality)}"
            )
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        Z = parametrization.right_inverse(X)
    except NotImplementedError:
        return
    if not isinstance(Z, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(Z).__name__}")
    for quality in ("dtype", "shape"):
        if getattr(Z, quality) != getattr(Y, quality):
            raise ValueError(
                f"The tensor returned by parametrization.right_inverse must have the same {quality} as the tensor, "
                f"unless the `unsafe` flag is enabled.\nmodule.{name}.{quality}: {getattr(Y, quality)}\n"
                f"returned {quality}: {getattr(Z, quality)}"
            )


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether a module, or its tensor of that name, is parametrized."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make a tensor an ordinary one again, with its parametrized value or with what was stored."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations = module.parametrizations[tensor_name]
    if parametrizations.is_tensor:
        original = parametrizations.original
        if leave_parametrized:
            with tapeless.no_grad():
                _maybe_set(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(module.__class__, tensor_name)
    del module.parametrizations[tensor_name]
    _register_parameter_or_buffer(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = module.__class__.__bases__[0]
    return module


def type_before_parametrizations(module: Any) -> type:
    """The class that a module had before it was parametrized."""
    return module.__class__.__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Any, to_module: Any, tensor_name: str | None = None) -> Any:
    """Parametrize another module in the same way, and give it what is stored."""
    if not is_parametrized(from_module):
        return to_module
    if tensor_name is not None and not is_parametrized(from_module, tensor_name):
        return to_module
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        _transfer(from_module, to_module, name)
    return to_module


def _transfer(from_module: Any, to_module: Any, name: str) -> None:
    source = from_module.parametrizations[name]
    if not hasattr(to_module, name):
        setattr(to_module, name, copy.deepcopy(source.original if source.is_tensor else source._originals()[0]))
    for parametrization in source:
        register_parametrization(to_module, name, parametrization)
    target = to_module.parametrizations[name]
    names = ["original"] if source.is_tensor else [f"original{i}" for i in range(source.ntensors)]
    for original in names:
        setattr(target, original, getattr(source, original))
