# torch.jit.annotations: Python's own names of types.
"""The names of types that old programs import from here."""

from typing import Any, Final, List, Optional, Union  # noqa: UP035

__all__ = ["Any", "Final", "List", "Optional", "Union"]
