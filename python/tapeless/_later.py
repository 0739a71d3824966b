# The parts of the namespace that are imported when a program first asks for them.
"""`tapeless.optim` and the like, which `import tapeless` leaves alone so that it stays a matter of milliseconds.

A submodule needs no entry here: its file is its entry. What stands here are names of the namespace
itself that live in a submodule.
"""

import importlib
import sys
from typing import Any

from tapeless import _missing

# The submodule that a name of the namespace comes from.
HOMES: dict[str, str] = {
    "autocast": "amp",
    "autocast_decrement_nesting": "amp._state",
    "autocast_increment_nesting": "amp._state",
    "clear_autocast_cache": "amp._state",
    "get_autocast_cpu_dtype": "amp._state",
    "get_autocast_dtype": "amp._state",
    "get_autocast_gpu_dtype": "amp._state",
    "get_autocast_ipu_dtype": "amp._state",
    "get_autocast_xla_dtype": "amp._state",
    "is_autocast_cache_enabled": "amp._state",
    "is_autocast_cpu_enabled": "amp._state",
    "is_autocast_enabled": "amp._state",
    "is_autocast_ipu_enabled": "amp._state",
    "is_autocast_xla_enabled": "amp._state",
    "set_autocast_cache_enabled": "amp._state",
    "set_autocast_cpu_dtype": "amp._state",
    "set_autocast_cpu_enabled": "amp._state",
    "set_autocast_dtype": "amp._state",
    "set_autocast_enabled": "amp._state",
    "set_autocast_gpu_dtype": "amp._state",
    "set_autocast_ipu_dtype": "amp._state",
    "set_autocast_ipu_enabled": "amp._state",
    "set_autocast_xla_dtype": "amp._state",
    "set_autocast_xla_enabled": "amp._state",
    **dict.fromkeys(("avg_pool1d", "adaptive_avg_pool1d", "bilinear"), "nn.functional"),
    **dict.fromkeys(("max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d"), "nn.functional"),
    **dict.fromkeys(("adaptive_max_pool1d", "embedding_bag"), "nn.functional._namespace"),
    **dict.fromkeys(("frobenius_norm", "norm_except_dim", "nuclear_norm"), "nn.functional._namespace"),
    "_weight_norm": "nn.functional._namespace",
    "poisson_nll_loss": "nn.functional._namespace",
    "load": "serialization",
    "save": "serialization",
    **dict.fromkeys(("install_as_torch", "uninstall_as_torch"), "_as_torch"),
    **dict.fromkeys(("OutOfMemoryError", "AcceleratorError"), "_errors"),
    **dict.fromkeys(("SymBool", "SymFloat", "SymInt"), "_symbols"),
    **dict.fromkeys(("Event", "Stream"), "cpu"),
    "Future": "futures",
    **dict.fromkeys(("_assert", "_check", "_check_index", "_check_is_size", "_check_type"), "_assertions"),
    **dict.fromkeys(("_check_not_implemented", "_check_value", "_check_with"), "_assertions"),
    "GradScaler": "amp",
    "compile": "compiler",
    "vmap": "func",
    "ScriptModule": "jit",
    **dict.fromkeys(("cond", "while_loop"), "_higher_order_ops"),
}


def load(name: str) -> Any:
    """The submodule or the object of that name; an error that says why where there is neither."""
    if name in HOMES:
        return getattr(importlib.import_module("tapeless." + HOMES[name]), name)
    return _missing.find("tapeless", name, sys._getframe(2))


def names() -> list[str]:
    """What `dir(tapeless)` shows besides what is loaded: public submodules, and the names above."""
    import pkgutil

    import tapeless

    return [*HOMES, *(module.name for module in pkgutil.iter_modules(tapeless.__path__) if module.name[0] != "_")]
