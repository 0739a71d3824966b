# Settings of the whole library: determinism, precision of products, the default tensor type.
"""Process-wide switches. Results are deterministic here whatever these say; they are kept and given back."""

from typing import Any

from tapeless._typed import dtype_named
from tapeless._values import set_default_dtype

_state = {"deterministic": 0, "precision": "highest"}
_DEBUG_MODES = ("default", "warn", "error")
_PRECISIONS = ("highest", "high", "medium")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Asks for algorithms that give the same bits every time: those here always do."""
    _state["deterministic"] = 0 if not mode else 1 if warn_only else 2


def are_deterministic_algorithms_enabled() -> bool:
    """Whether use_deterministic_algorithms(True) was asked for."""
    return _state["deterministic"] != 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it was asked for with warn_only=True."""
    return _state["deterministic"] == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """The same as use_deterministic_algorithms: 0 or "default", 1 or "warn", 2 or "error"."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    mode = _DEBUG_MODES.index(debug_mode) if debug_mode in _DEBUG_MODES else debug_mode
    if mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, 2 or one of {_DEBUG_MODES}, but got {mode}")
    _state["deterministic"] = mode


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2: off, warnings, errors."""
    return int(_state["deterministic"])


def set_float32_matmul_precision(precision: str) -> None:
    """How precise float32 products may be: "highest", "high" or "medium"; here they are always in float32."""
    if precision not in _PRECISIONS:
        raise RuntimeError(f"{precision!r} is not one of {', '.join(_PRECISIONS)}")
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What set_float32_matmul_precision was last given."""
    return str(_state["precision"])


def set_default_tensor_type(t: Any) -> None:
    """The default dtype by a typed constructor or its name, such as "torch.DoubleTensor"."""
    try:
        dtype = dtype_named(t)
    except ValueError:
        raise TypeError(f"invalid type object: {t!r}; write set_default_dtype(torch.float64)") from None
    if not dtype.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {t!r}")
    set_default_dtype(dtype)
