# How classes and functions are called in files: always by PyTorch's names, whatever module they live in here.
"""Names of objects in files, both ways."""

from __future__ import annotations

import functools
import importlib
import pickle
import sys
from collections import OrderedDict
from typing import Any

import tapeless
from tapeless import _core, _utils
from tapeless._values import layout, memory_format

# What lives elsewhere here: (our module, name) and the module of PyTorch's that files name.
_MOVED = {
    ("tapeless._utils", "_rebuild_from_type_v2"): "torch._tensor",
    ("tapeless.nn.parameter", "_rebuild_parameter"): "torch._utils",
    ("tapeless.nn.parameter", "_rebuild_parameter_with_state"): "torch._utils",
    ("tapeless._core", "Generator"): "torch._C",
}
# Private modules that PyTorch has too, and whose names its files give.
_PRIVATE = ("torch._utils", "torch._tensor", "torch._C", "torch.optim._adafactor", "torch.optim._muon")
# Packages here that are one module in PyTorch; `operations` is the namespace itself.
_ONE_MODULE = ("nn.functional", "optim.lr_scheduler", "linalg", "special", "fft", "operations")
_BACK = {(theirs, name): module for (module, name), theirs in _MOVED.items() if theirs != "torch._utils"}


def is_ours(module: str) -> bool:
    """Whether a module is of this package, by its own name or by PyTorch's."""
    return module.partition(".")[0] in ("torch", "tapeless")


def written(obj: Any, name: str | None = None) -> tuple[str, str] | None:
    """The module and name that a file gives for an object of this package; None for others'."""
    name = name or getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    module = getattr(obj, "__module__", None)
    if not isinstance(name, str) or not isinstance(module, str) or not is_ours(module):
        return None
    theirs = _MOVED.get((module, name)) or "torch" + module[module.find(".") :] * ("." in module)
    flat = next((one for one in _ONE_MODULE if module.startswith(f"tapeless.{one}.")), None)
    if flat is not None:
        theirs = "torch" if flat == "operations" else f"torch.{flat}"
    elif theirs.rpartition(".")[2].startswith("_") and theirs not in _PRIVATE:
        theirs = _public(obj, module, name)
    try:
        found = resolved(theirs, name)
    except (ImportError, AttributeError):
        found = None
    if found is not obj and (module, name) not in _MOVED:
        raise pickle.PicklingError(f"Can't pickle {obj!r}: it is not found as {theirs}.{name}")
    return theirs, name


def _public(obj: Any, module: str, name: str) -> str:
    """The public module beside a private one that lists an object, or the package: PyTorch has it there."""
    package = module.rpartition(".")[0]
    for path in sorted(sys.modules):
        beside, dot, last = path.rpartition(".")
        if beside == package and last[:1] != "_" and name in getattr(sys.modules[path], "__all__", ()):
            if getattr(sys.modules[path], name, None) is obj:
                return "torch" + path.removeprefix("tapeless")
    return "torch" + package.removeprefix("tapeless")


def _of_the_core(family: str, name: str) -> Any:
    """What PyTorch's files call an operation written in C++ by: a family's module, or a class of all others."""
    if name == "_VariableFunctionsClass":
        return tapeless
    if family in ("._linalg", "._special", "._fft"):
        return getattr(getattr(tapeless, family[2:]), name.removeprefix(family[2:] + "_"))
    return getattr(tapeless.nn.functional if family == "._nn" else _core, name)


def resolved(module: str, name: str) -> Any:
    """The object of this package that a file calls so; AttributeError or ImportError where there is none."""
    ours = _BACK.get((module, name)) or "tapeless" + module.removeprefix("torch").removeprefix("tapeless")
    if ours.startswith("tapeless._C"):
        return _of_the_core(ours.removeprefix("tapeless._C"), name)
    return functools.reduce(getattr, name.split("."), importlib.import_module(ours))


def find(module: str, name: str) -> Any:
    """The same with an error that says what a file asked for."""
    try:
        return resolved(module, name)
    except (ImportError, AttributeError) as error:
        raise AttributeError(
            f"load: the file names {module}.{name}, which does not exist here; it was written by another version of "
            "PyTorch, or with a part of it that Tapeless has not"
        ) from error


# Small values: how each is called in a file.
_FORMS: dict[type, Any] = {
    _core.dtype: lambda x: str(x).rpartition(".")[2],
    _core.device: lambda x: (_core.device, (str(x),) if x.index is None else (x.type, x.index)),
    _core.Generator: lambda x: (_core.Generator, (x.device,), (x.initial_seed(), None, x.get_state())),
    tapeless.Size: lambda x: (tapeless.Size, (tuple(x),)),
    memory_format: lambda x: x._name,
    layout: lambda x: (tapeless.serialization._get_layout, (str(x),)),
}


def small_form(obj: Any) -> Any:
    """What stands for a dtype, device, size, layout or generator in a file; None for anything else."""
    make = _FORMS.get(type(obj))
    return make(obj) if make else None


def tensor_form(x: Any) -> tuple[Any, ...]:
    """What stands for a tensor in a file, as PyTorch's own reduction has it."""
    if type(x) is _utils.parameter_type():
        parts = (x.data, x.requires_grad, OrderedDict())
        if x.__dict__:
            return _utils._rebuild_parameter_with_state, (*parts, dict(x.__dict__))
        return _utils._rebuild_parameter, parts
    make, arguments = _utils.tensor_parts(x)
    state = _utils._get_obj_state(x)
    if type(x) is _core.Tensor and not state:
        return make, arguments
    return _utils._rebuild_from_type_v2, (make, type(x), arguments, state)
