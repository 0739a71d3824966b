# The metadata of a distribution called torch, where Tapeless stands in for it.
"""What `importlib.metadata.version("torch")` and checks of requirements read; found by the finder of `_as_torch`."""

import os
from importlib.metadata import Distribution
from typing import Any

from tapeless import __version__


class TorchDistribution(Distribution):
    """torch, in the version whose behaviour Tapeless has."""

    def read_text(self, filename: str) -> str | None:
        """The METADATA; there are no other files."""
        if filename != "METADATA":
            return None
        lines = ("Metadata-Version: 2.1", "Name: torch", f"Version: {__version__}")
        return "\n".join((*lines, "Summary: Tapeless, standing in for PyTorch", "License: BSD-3-Clause", ""))

    def locate_file(self, path: Any) -> Any:
        """Beside the package."""
        return os.path.join(os.path.dirname(__file__), path)
