# The half Normal distribution.
"""Absolute values of Normal numbers."""

from __future__ import annotations

import math
from typing import Any

from tapeless import Tensor
from tapeless.distributions._half import _Half
from tapeless.distributions.normal import Normal
from tapeless.distributions.transforms import AbsTransform

__all__ = ["HalfNormal"]


class HalfNormal(_Half):
    """|x| of x of Normal(0, scale)."""

    base_dist: Normal

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> HalfNormal:
        """The same with its parameter broadcast to a batch shape."""
        new = self._get_checked_instance(HalfNormal, _instance)
        return super().expand(batch_shape, _instance=new)

    @property
    def mean(self) -> Tensor:
        """√(2/π) scale."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        """(1 − 2/π) scale²."""
        return self.scale.pow(2) * (1 - 2 / math.pi)
