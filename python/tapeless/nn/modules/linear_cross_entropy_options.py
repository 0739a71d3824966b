# How PyTorch is asked to compute linear_cross_entropy in pieces.
"""LinearCrossEntropyOptions, which are checked and change no number: products here are not cut into pieces."""

from dataclasses import dataclass
from typing import Any

__all__ = ["LinearCrossEntropyOptions"]


@dataclass
class LinearCrossEntropyOptions:
    """Sizes and precision of the pieces that PyTorch's kernel would work on."""

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None
