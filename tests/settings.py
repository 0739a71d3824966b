"""How the tests run: the name of the module under test and the three deferral settings."""

import contextlib
import importlib
import os
from typing import Any

SUBJECT = os.environ.get("TAPELESS_TEST_SUBJECT", "tapeless")
IS_PYTORCH = SUBJECT == "torch"

# The three ways in which every deferral test runs, as arguments of fusion.settings().
DEFERRAL_SETTINGS: dict[str, dict[str, Any]] = {
    "fusion-off": {"enabled": False},
    "default": {"enabled": True},
    "defer-everything": {"enabled": True, "defer_min": 0},
}


def deferral(name: str) -> contextlib.AbstractContextManager[Any]:
    """One of the three deferral settings as a context; PyTorch has none, so nothing changes."""
    if IS_PYTORCH:
        return contextlib.nullcontext()
    return importlib.import_module(SUBJECT + ".fusion").settings(**DEFERRAL_SETTINGS[name])
