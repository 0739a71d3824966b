# Dropout of elements and of channels as modules.
"""Dropout: in training alone, with PyTorch's random numbers for the same seed."""

from typing import Any

from tapeless.nn import functional as F
from tapeless.nn.modules.module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """What all kinds share: the probability `p` of being dropped, and whether the input is overwritten."""

    __constants__ = ["p", "inplace"]
    p: float
    inplace: bool

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Probability and whether in place."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Each element is zeroed with probability p, the others are divided by 1 - p (Hinton et al. 2012)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.dropout`."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Dropout of whole channels of (N, C, L) or (C, L) (Tompson et al. 2015)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.dropout1d`."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Dropout of whole channels of (N, C, H, W) (Tompson et al. 2015)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.dropout2d`."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Dropout of whole channels of (N, C, D, H, W) (Tompson et al. 2015)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.dropout3d`."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout for SELU, which keeps mean 0 and variance 1 (Klambauer et al. 2017)."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.alpha_dropout`."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """Alpha dropout of whole channels."""

    def forward(self, input: Any) -> Any:
        """See `nn.functional.feature_alpha_dropout`."""
        return F.feature_alpha_dropout(input, self.p, self.training)
