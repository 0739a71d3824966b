# Modules below torch.distributed: types for isinstance and refusals, as there is one process.
"""How such a module fills itself."""

from typing import Any

from tapeless import _doors

_WHY = ".{}: distributed work is not available here; run one process, without it"


def names(module: str, types: str = "", functions: str = "") -> dict[str, Any]:
    """Types of which nothing is an instance, and functions that refuse; names are separated by blanks."""
    shown = module.replace("tapeless", "torch", 1)
    return {
        **_doors.kinds(types, shown, shown + _WHY),
        **_doors.refusals(functions, RuntimeError, shown + _WHY),
    }
