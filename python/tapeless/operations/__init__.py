# Operations written in Python, a file for each family; here they are gathered.
"""Overloads and compositions.

A family's file lists its public functions in `__all__` and those that are methods of Tensor as well in `METHODS`
(where an in-place form may stand that has no function). Nothing else has to be told of a new operation.
"""

import importlib
import pkgutil
from typing import Any

functions: dict[str, Any] = {}
methods: dict[str, Any] = {}

for _family in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    _module = importlib.import_module(f"{__name__}.{_family}")
    functions.update({name: getattr(_module, name) for name in _module.__all__})
    methods.update({name: getattr(_module, name) for name in _module.METHODS})
