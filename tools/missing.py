# The missing names of PyTorch: writes python/tapeless/_missing_names.txt, which errors look up. Needs PyTorch.
"""`python tools/missing.py python/tapeless/_missing_names.txt`, in the environment that has both."""

import importlib
import inspect
import sys
import types
import warnings
from typing import Any

import tapeless

HEAD = "# Public names of PyTorch 2.13 that were not here when `make missing` wrote this, by module.\n"
MODULES = (
    "",
    "Tensor",
    "nn nn.functional nn.init nn.utils nn.utils.rnn nn.utils.parametrize nn.utils.parametrizations nn.utils.prune",
    "nn.attention nn.parallel optim optim.lr_scheduler optim.swa_utils autograd autograd.functional autograd.graph",
    "autograd.forward_ad autograd.profiler func linalg fft special signal signal.windows distributions",
    "distributions.constraints distributions.transforms utils utils.data utils.checkpoint utils.benchmark utils.dlpack",
    "utils.tensorboard cuda cuda.amp amp backends backends.cuda backends.cudnn cpu xpu mps accelerator compiler",
    "library overrides hub futures multiprocessing profiler random serialization testing types storage monitor",
)


def public(module: Any, name: str) -> list[str]:
    """The names that a module offers: its `__all__`, or what it defines that begins with no underscore."""
    listed = getattr(module, "__all__", None) if name else None
    names = listed if listed is not None else [n for n in dir(module) if not n.startswith("_")]
    return [
        n
        for n in names
        if not inspect.ismodule(getattr(module, n, None)) or getattr(module, n).__name__.startswith("torch")
    ]


def module_of(root: types.ModuleType, name: str) -> Any:
    """The module of that name below a namespace, or None."""
    if name == "Tensor":
        return root.Tensor
    try:
        return importlib.import_module(f"{root.__name__}.{name}" if name else root.__name__)
    except (ImportError, AttributeError):
        return None


def main(path: str) -> None:
    """Write the list."""
    torch = importlib.import_module("torch")
    lines = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in [part for line in MODULES for part in (line.split() or [""])]:
            theirs, ours = module_of(torch, name), module_of(tapeless, name)
            missing = sorted({n for n in public(theirs, name) if ours is None or not hasattr(ours, n)})
            if missing:
                lines.append(f"{name}: {' '.join(missing)}\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD + "".join(lines))


if __name__ == "__main__":
    main(sys.argv[1])
