# torch.types: names for annotations.
"""The names of types that signatures use."""

import builtins
import os
from collections.abc import Sequence
from typing import Any

import tapeless
from tapeless import SymBool, SymFloat, SymInt

_TensorOrTensors = tapeless.Tensor | Sequence[tapeless.Tensor]
_dtype, _device, _layout, _qscheme = tapeless.dtype, tapeless.device, tapeless.layout, Any
_bool, _int, _float, _complex = builtins.bool, builtins.int, builtins.float, builtins.complex
_size = tapeless.Size | list[builtins.int] | tuple[builtins.int, ...]
Number = builtins.int | builtins.float | builtins.bool
Device = DeviceLikeType = tapeless.device | str | builtins.int | None
FileLike = str | os.PathLike | Any
Storage = tapeless.UntypedStorage
IntLikeType = builtins.int | SymInt
FloatLikeType = builtins.float | SymFloat
BoolLikeType = builtins.bool | SymBool
