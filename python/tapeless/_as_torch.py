# The name torch as Tapeless: the finder behind `import torch`, and what child processes inherit.
"""Makes `torch` and `functorch`, with every submodule, names of this package's own modules.

A finder at the head of `sys.meta_path` answers for both names: `sys.modules["torch.nn"]` is then the very module
`tapeless.nn`, whose `__name__` and `__spec__` stay its own; it also answers for a distribution called torch. A folder
on `sys.path` (`_torch_path`) does the rest: it holds two small modules by which a process that got its `sys.path`
from this one (multiprocessing by spawn and forkserver, joblib) installs the finder when it first imports torch.
Programs started by `subprocess` get the folder only where TAPELESS_AS_TORCH=1 asks for it, through PYTHONPATH.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from types import CodeType, ModuleType
from typing import Any

from tapeless import _missing

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_torch_path")
VARIABLE = "TAPELESS_AS_TORCH"
HOMES = {"torch": "tapeless", "functorch": "tapeless._functorch"}


def ours(name: str) -> str | None:
    """The name of our module that a module of PyTorch's is, or None for a name of somebody else's."""
    top, dot, rest = name.partition(".")
    return HOMES[top] + dot + rest if top in HOMES else None


class _Loader:
    """Hands out the module that exists already, as it is."""

    def __init__(self, spec: importlib.machinery.ModuleSpec) -> None:
        self.real = spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real.name)
        _missing.extend_modules()
        self._kept = module.__spec__  # The import system is about to write its own there.
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._kept

    def get_code(self, name: str) -> CodeType | None:
        """The module's code, for `-m torch.utils.collect_env`."""
        return self.real.loader.get_code(self.real.name)  # type: ignore[union-attr]

    def get_source(self, name: str) -> str | None:
        """The module's text, for tools that show it."""
        return self.real.loader.get_source(self.real.name)  # type: ignore[union-attr]

    def is_package(self, name: str) -> bool:
        """Whether it has submodules."""
        return self.real.submodule_search_locations is not None


class _Finder:
    """Finds torch and functorch, and nothing else."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        found = ours(name)
        real = importlib.util.find_spec(found) if found else None
        if real is None:
            # An import gets the reason; a question, such as importlib.util.find_spec, gets None.
            asked = sys._getframe(2).f_code.co_name != "find_spec"
            error = _missing.module_error(name) if found and asked else None
            if error is not None:
                raise error
            return None
        spec = importlib.machinery.ModuleSpec(name, _Loader(real), origin=real.origin)  # type: ignore[arg-type]
        spec.submodule_search_locations = real.submodule_search_locations
        spec.has_location = real.has_location
        return spec

    def find_distributions(self, context: Any) -> Any:
        """The metadata of torch, if it or everything is asked for."""
        from tapeless._torch_metadata import TorchDistribution

        return [TorchDistribution()] if context.name is None or context.name.lower() == "torch" else []


_finder = _Finder()


def is_installed() -> bool:
    """Whether `import torch` means Tapeless."""
    return _finder in sys.meta_path


def _is_foreign(name: str) -> bool:
    """Whether another module than ours, or than our stand-in of `_torch_path`, was imported by that name."""
    module = sys.modules.get(name)
    if module is None or module.__name__ == HOMES[name]:
        return False
    return os.path.dirname(getattr(module, "__file__", None) or "") != PATH


def install_as_torch() -> None:
    """Makes `import torch` and `import functorch` mean Tapeless, in this process and in those it forks or spawns.

    For notebooks, before the first `import torch`; `python -m tapeless program.py` does the same for a program. A
    second call does nothing. With TAPELESS_AS_TORCH=1 in the environment, Python programs that are started as
    subprocesses get it too. ImportError if PyTorch itself is imported already.
    """
    for name in HOMES:
        if _is_foreign(name):
            module = sys.modules[name]
            which = f"{name} {getattr(module, '__version__', '')} of {getattr(module, '__file__', None)}"
            raise ImportError(
                f"install_as_torch: {which} is already imported, and its objects cannot be mixed with Tapeless'; call "
                f"tapeless.install_as_torch() before the first `import {name}`, or start the program by "
                "`python -m tapeless program.py`",
                name=name,
            )
    if not is_installed():
        sys.meta_path.insert(0, _finder)
    if PATH not in sys.path:
        sys.path.insert(0 if sys.flags.safe_path else 1, PATH)  # First comes the program's own folder.
    if os.environ.get(VARIABLE) == "1":
        inherited = os.environ.get("PYTHONPATH", "")
        if PATH not in inherited.split(os.pathsep):
            os.environ["PYTHONPATH"] = PATH + (os.pathsep + inherited if inherited else "")


def uninstall_as_torch() -> None:
    """Undoes `install_as_torch`: the next `import torch` finds whatever is installed under that name."""
    if is_installed():
        sys.meta_path.remove(_finder)
    if PATH in sys.path:
        sys.path.remove(PATH)
    for name, module in list(sys.modules.items()):
        if ours(name) and getattr(module, "__name__", "") == ours(name):
            del sys.modules[name]


def stand_in(name: str) -> None:
    """Called by a module of `_torch_path` while it is imported under that name: installs, and takes its place."""
    install_as_torch()
    sys.modules[name] = importlib.import_module(HOMES[name])
