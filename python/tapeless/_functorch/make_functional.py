# functorch.make_functional: modules as functions of their parameters.
"""A module becomes a function whose first arguments are its parameters (and buffers), in the order of their names."""

import copy
from collections.abc import Sequence
from typing import Any

import tapeless
from tapeless.func import functional_call


class FunctionalModuleWithBuffers:
    """Calls a module with the parameters and buffers that it is given."""

    def __init__(self, module: Any, names: Sequence[str], buffer_names: Sequence[str]) -> None:
        self.stateless_model = module
        self.param_names, self.buffer_names = tuple(names), tuple(buffer_names)

    def __call__(self, params: Sequence[Any], buffers: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        state = dict(zip((*self.param_names, *self.buffer_names), (*params, *buffers), strict=True))
        return functional_call(self.stateless_model, state, args, kwargs)


class FunctionalModule(FunctionalModuleWithBuffers):
    """Calls a module with the parameters that it is given."""

    def __call__(self, params: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        return super().__call__(params, (), *args, **kwargs)


def _parts(model: Any, disable_autograd_tracking: bool) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    module = copy.deepcopy(model)
    parameters = {
        name: tapeless.nn.Parameter(x.detach().clone(), requires_grad=x.requires_grad and not disable_autograd_tracking)
        for name, x in model.named_parameters()
    }
    return module, parameters, dict(module.named_buffers())


def make_functional_with_buffers(
    model: Any, disable_autograd_tracking: bool = False
) -> tuple[FunctionalModuleWithBuffers, tuple[Any, ...], tuple[Any, ...]]:
    """(function, parameters, buffers): the function takes both, then what the module takes."""
    module, parameters, buffers = _parts(model, disable_autograd_tracking)
    function = FunctionalModuleWithBuffers(module, tuple(parameters), tuple(buffers))
    return function, tuple(parameters.values()), tuple(buffers.values())


def make_functional(model: Any, disable_autograd_tracking: bool = False) -> tuple[FunctionalModule, tuple[Any, ...]]:
    """(function, parameters): the function takes these, then what the module takes. RuntimeError for buffers."""
    module, parameters, buffers = _parts(model, disable_autograd_tracking)
    if buffers:
        raise RuntimeError(
            "make_functional(model): `model` has buffers. Please use make_functional_with_buffers(model) instead."
        )
    return FunctionalModule(module, tuple(parameters), ()), tuple(parameters.values())


def combine_state_for_ensemble(
    models: Sequence[Any],
) -> tuple[FunctionalModuleWithBuffers, tuple[Any, ...], tuple[Any, ...]]:
    """(function, parameters, buffers) of several modules of one kind, theirs stacked, for vmap."""
    if not models:
        raise RuntimeError("combine_state_for_ensemble: Expected at least one model, got 0.")
    functions, parameters, buffers = zip(*(make_functional_with_buffers(model) for model in models), strict=True)
    stacked = tuple(tapeless.stack(column).detach().requires_grad_() for column in zip(*parameters, strict=True))
    return functions[0], stacked, tuple(tapeless.stack(column) for column in zip(*buffers, strict=True))
