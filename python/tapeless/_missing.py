# Names that are not there: submodules that are imported when asked for, and errors that say why a name is missing.
"""What `torch.nn.X` does when the module `nn` has no X.

If X is a submodule, it is imported. Else an AttributeError (for `from torch.nn import X`, an ImportError) says whether
PyTorch has such a name, why it is not here, and what comes nearest.
"""

import dis
import functools
import importlib
import importlib.util
import os
import sys
import types
from typing import Any

_IMPORT_FROM = dis.opmap["IMPORT_FROM"]
_LIST = os.path.join(os.path.dirname(__file__), "_missing_names.txt")


@functools.cache
def pytorchs() -> dict[str, frozenset[str]]:
    """By module ("nn", "" for the namespace): public names of PyTorch 2.13 that were not here when they were listed."""
    with open(_LIST, encoding="utf-8") as file:
        lines = [line.partition(":") for line in file if not line.startswith("#")]
    return {module: frozenset(names.split()) for module, _, names in lines}


def _dotted(module: str, name: str) -> str:
    inside = module.partition(".")[2]
    return f"{inside}.{name}" if inside else name


def _nearest(module: str, name: str) -> str:
    import difflib

    there = [known for known in dir(sys.modules.get(module)) if not known.startswith("_")]
    found = difflib.get_close_matches(name, there, 1, 0.75)
    return f"torch.{_dotted(module, found[0])}" if found else ""


def why(module: str, name: str) -> str:
    """Why `module` ("tapeless.nn") lacks a name of PyTorch's, and what to use instead; "" for a name of nobody's."""
    from tapeless import _scope

    dotted = _dotted(module, name)
    inside = module.partition(".")[2]
    scope = _scope.entry(dotted)
    if scope is None and name not in pytorchs().get(inside, ()):
        return ""
    if scope:
        reason, instead = scope
    else:
        reason, instead = "PyTorch 2.13 has it, Tapeless has not yet", _nearest(module, name)
    return reason + (f"; instead: {instead}" if instead else "")


def _shown(module: str) -> str:
    """The module's name as the program knows it."""
    from tapeless import _as_torch

    return module.replace("tapeless", "torch", 1) if _as_torch.is_installed() else module


def _is_import(frame: types.FrameType) -> bool:
    """Whether the frame is at `from module import name`."""
    return frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == _IMPORT_FROM


def find(module: str, name: str, frame: types.FrameType) -> Any:
    """The submodule of that name, imported; else the error for `frame`, which asked."""
    if (not name.startswith("__") or name == "__config__") and hasattr(sys.modules[module], "__path__"):
        if importlib.util.find_spec(f"{module}.{name}"):
            found = importlib.import_module(f"{module}.{name}")
            extend_modules()
            return found
    reason = "" if name.startswith("__") else why(module, name)
    if reason and _is_import(frame):
        raise ImportError(f"cannot import name {name!r} from {_shown(module)!r}: {reason}", name=name)
    text = f"module {_shown(module)!r} has no attribute {name!r}"
    raise AttributeError(f"{text}: {reason}" if reason else text, name=name)


def attribute_of(module: str) -> Any:
    """The `__getattr__` of a module."""

    def __getattr__(name: str) -> Any:
        return find(module, name, sys._getframe(1))

    return __getattr__


def module_error(fullname: str) -> ModuleNotFoundError | None:
    """The error for `import torch.X`, where PyTorch has a module X and we have none."""
    module, _, name = ("tapeless." + fullname.partition(".")[2]).rpartition(".")
    reason = why(module, name) if module in sys.modules else ""
    return ModuleNotFoundError(f"No module named {fullname!r}: {reason}", name=fullname) if reason else None


class Namespace(types.ModuleType):
    """The type of the module `tapeless`: gives each module below it a `__getattr__`, unless it has one."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if isinstance(value, types.ModuleType):
            extend_modules()


def extend_modules() -> None:
    """Gives the modules below `tapeless` that are imported by now a `__getattr__`, those with underscores left out."""
    for name, module in list(sys.modules.items()):
        wanted = name.startswith("tapeless.") and ("._" not in name or hasattr(module, "__path__"))
        if wanted and "__getattr__" not in vars(module):
            module.__getattr__ = attribute_of(name)  # type: ignore[method-assign]


class _Absent:
    """An attribute of Tensor that is out of scope: whoever asks for it gets the reason."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, tensor: Any, owner: Any = None) -> Any:
        text = f"'Tensor' object has no attribute {self.name!r}"
        raise AttributeError(f"{text}: {why('tapeless.Tensor', self.name)}", name=self.name)


def explain_absent_attributes(kind: type) -> None:
    """Gives the type of tensors an explanation for each of its names in the table of what is out of scope."""
    from tapeless import _scope

    there = set(dir(kind))
    for name in _scope.SCOPE:
        owner, _, attribute = name.partition(".")
        if owner == "Tensor" and attribute not in there:
            setattr(kind, attribute, _Absent(attribute))
