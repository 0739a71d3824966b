"""Anomaly detection: every gradient is checked, and errors name the operation they came from."""

from typing import Any

from tapeless import _core

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switches anomaly detection at the call; as a context, until the end of the block."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (_core.is_anomaly_enabled(), _core.is_anomaly_check_nan_enabled())
        _core._set_anomaly(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        _core._set_anomaly(*self._before)


class detect_anomaly:
    """Anomaly detection inside a block; it makes every operation slower."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def __enter__(self) -> None:
        self._before = (_core.is_anomaly_enabled(), _core.is_anomaly_check_nan_enabled())
        _core._set_anomaly(True, self.check_nan)

    def __exit__(self, *_: Any) -> None:
        _core._set_anomaly(*self._before)
