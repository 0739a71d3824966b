# Pads as modules: constant, circular, reflecting, repeating.
"""Pads of the last one, two or three dimensions; padding is one number, or two for each dimension, the last first."""

from typing import Any

from tapeless.nn import functional as F
from tapeless.nn.modules.module import Module
from tapeless.nn.modules.utils import _ntuple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _PadNd(Module):
    """What pads share: the amounts, of which there are `_sides`."""

    __constants__ = ["padding"]
    padding: Any
    _sides: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = _ntuple(self._sides)(padding)

    def forward(self, input: Any) -> Any:
        """See `nn.functional.pad`."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The amounts."""
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    """Pads with what is at the other end."""

    _mode = "circular"

    def _check_input_dim(self, input: Any) -> None:
        rank = self._sides // 2
        if input.dim() not in (rank + 1, rank + 2):
            raise ValueError(f"expected {rank + 1}D or {rank + 2}D input (got {input.dim()}D input)")

    def forward(self, input: Any) -> Any:
        """See `nn.functional.pad`; ValueError for another number of dimensions."""
        self._check_input_dim(input)
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """(N, C, L) or (C, L), continued from the other end."""

    _sides = 2


class CircularPad2d(_CircularPadNd):
    """(N, C, H, W) or (C, H, W), continued from the other ends."""

    _sides = 4


class CircularPad3d(_CircularPadNd):
    """(N, C, D, H, W) or (C, D, H, W), continued from the other ends."""

    _sides = 6


class _ConstantPadNd(_PadNd):
    """Pads with one value."""

    __constants__ = ["padding", "value"]
    value: float

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Any:
        """See `nn.functional.pad`."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """Amounts and value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """The last dimension padded with `value`."""

    _sides = 2


class ConstantPad2d(_ConstantPadNd):
    """The last two dimensions padded with `value`."""

    _sides = 4


class ConstantPad3d(_ConstantPadNd):
    """The last three dimensions padded with `value`."""

    _sides = 6


class _ReflectionPadNd(_PadNd):
    """Pads with the mirror image, the edge itself not repeated."""

    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """(N, C, L) or (C, L), mirrored at the ends."""

    _sides = 2


class ReflectionPad2d(_ReflectionPadNd):
    """(N, C, H, W) or (C, H, W), mirrored at the edges."""

    _sides = 4


class ReflectionPad3d(_ReflectionPadNd):
    """(N, C, D, H, W) or (C, D, H, W), mirrored at the faces."""

    _sides = 6


class _ReplicationPadNd(_PadNd):
    """Pads with the value at the edge."""

    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """(N, C, L) or (C, L), the ends repeated."""

    _sides = 2


class ReplicationPad2d(_ReplicationPadNd):
    """(N, C, H, W) or (C, H, W), the edges repeated."""

    _sides = 4


class ReplicationPad3d(_ReplicationPadNd):
    """(N, C, D, H, W) or (C, D, H, W), the faces repeated."""

    _sides = 6


class ZeroPad1d(ConstantPad1d):
    """The last dimension padded with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The amounts."""
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """The last two dimensions padded with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The amounts."""
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """The last three dimensions padded with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The amounts."""
        return f"{self.padding}"
