# Calling a module with other parameters and buffers than its own.
"""functional_call, and the exchange of tensors that it is made of."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from tapeless import Tensor
from tapeless.nn.modules.module import Module

__all__ = ["functional_call"]


def _tied_names(module: Module, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The given tensors also under all other names of the tensors that they replace."""
    names: dict[int, list[str]] = {}
    own = {}
    for members in (module.named_parameters, module.named_buffers):
        for name, tensor in members(remove_duplicate=False):
            own[name] = tensor
            names.setdefault(id(tensor), []).append(name)
    untied = dict(given)
    for name, tensor in given.items():
        for other in names[id(own[name])] if name in own else ():
            if other not in given:
                untied[other] = tensor
            elif given[other] is not tensor:
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(names[id(own[name])])}, which are tied. "
                    "Consider using tie_weights=False"
                )
    return untied


def _untie_named_tensors_map(module: Module, parameters_and_buffers: dict[str, Tensor]) -> dict[str, Tensor]:
    return _tied_names(module, parameters_and_buffers)


def _swap(module: Module, path: str, tensor: Any) -> Any:
    """Put a tensor at a dotted name and return what was there, if anything was."""
    prefix, _, name = path.rpartition(".")
    owner = module.get_submodule(prefix)
    for held in (owner._parameters, owner._buffers):
        if name in held:
            before, held[name] = held[name], tensor
            return before
    if not hasattr(owner, name):
        raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
    before = getattr(owner, name)
    setattr(owner, name, tensor)
    return before


def _check_keys(module: Module, given: dict[str, Tensor]) -> None:
    own = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    own |= {name for name, _ in module.named_buffers(remove_duplicate=False)}
    lines = [
        f"{what} key(s): {', '.join(map(repr, sorted(keys)))}."
        for what, keys in (("Unexpected", given.keys() - own), ("Missing", own - given.keys()))
        if keys
    ]
    if lines:
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(lines))


@contextlib.contextmanager
def _reparametrize_module(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    tie_weights: bool = False,
    strict: bool = False,
    stack_weights: bool = False,
) -> Iterator[None]:
    """Within it, the module has these tensors; afterwards its own, whatever happened."""
    given = _tied_names(module, parameters_and_buffers) if tie_weights else dict(parameters_and_buffers)
    if strict:
        _check_keys(module, given)
    before: list[tuple[str, Any]] = []
    try:
        for name, tensor in given.items():
            if not isinstance(tensor, Tensor):
                raise TypeError(f"{tensor} is not an instance of torch.Tensor")
            if not strict and "." not in name and not _has(module, name):
                continue
            before.append((name, _swap(module, name, tensor)))
        yield
    finally:
        # What forward has put in their place (running statistics) goes to the caller's dictionary.
        for name, tensor in reversed(before):
            after = _swap(module, name, tensor)
            if name in parameters_and_buffers:
                parameters_and_buffers[name] = after


def _has(module: Module, name: str) -> bool:
    return name in module._parameters or name in module._buffers or hasattr(module, name)


def _functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _reparametrize_module(module, parameters_and_buffers, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs) with these tensors in place of its own; func.functional_call is its successor."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future "
        "version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
