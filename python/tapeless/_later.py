# The parts of the namespace that are imported when a program first asks for them.
"""`tapeless.optim` and the like, which `import tapeless` leaves alone so that it stays a matter of milliseconds.

A submodule needs no entry here: its file is its entry. What stands here are names of the namespace
itself that live in a submodule.
"""

import importlib
import importlib.util
from typing import Any

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
    "load": "serialization",
    "save": "serialization",
    "install_as_torch": "_as_torch",
    "uninstall_as_torch": "_as_torch",
}


def load(name: str) -> Any:
    """The submodule or the object of that name; AttributeError where there is neither."""
    if name in HOMES:
        return getattr(importlib.import_module("tapeless." + HOMES[name]), name)
    if not name.startswith("__") and importlib.util.find_spec("tapeless." + name):
        return importlib.import_module("tapeless." + name)
    raise AttributeError(f"module 'tapeless' has no attribute {name!r}", name=name)


def names() -> list[str]:
    """What `dir(tapeless)` shows besides what is loaded: public submodules, and the names above."""
    import pkgutil

    import tapeless

    return [*HOMES, *(module.name for module in pkgutil.iter_modules(tapeless.__path__) if module.name[0] != "_")]
