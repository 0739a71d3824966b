# Layers and containers, a file for each family; here they are gathered.
"""All modules.

What a family's file lists in `__all__` and is a Module becomes a name of nn and of nn.modules; other entries
(functions for hooks, mixins) stay in their file. Nothing else has to be told of a new layer.
"""

import importlib
import pkgutil

from tapeless.nn.modules.module import Module

modules = {}

for _family in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_"):
    _file = importlib.import_module(f"{__name__}.{_family}")
    modules.update(
        (name, found)
        for name, found in ((name, getattr(_file, name)) for name in getattr(_file, "__all__", ()))
        if isinstance(found, type) and issubclass(found, Module)
    )

globals().update(modules)
__all__ = sorted(modules)
