"""Anomaly detection: every gradient is checked, and errors name the operation they came from."""

import sys
import warnings
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
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = (_core.is_anomaly_enabled(), _core.is_anomaly_check_nan_enabled())
        _core._set_anomaly(True, self.check_nan)

    def __exit__(self, *_: Any) -> None:
        _core._set_anomaly(*self._before)


def _made(node: Any, running: Any) -> None:
    """Keep where `node` was made, and by whose backward, as PyTorch does, in the node's metadata."""
    import traceback  # Only here: nobody should wait for it at the package's import.

    node.metadata["traceback_"] = traceback.format_stack(sys._getframe(1))
    if running is not None:
        node.metadata["parent_"] = running


def _warn(node: Any, introduction: str, traceback_introduction: str) -> None:
    if "traceback_" in node.metadata:
        text = traceback_introduction + "".join(node.metadata["traceback_"])
    else:
        text = "No forward pass information available. Enable detect anomaly during forward pass for more information."
    warnings.warn(introduction + text, stacklevel=3)


def _failed(node: Any) -> None:
    """Warn of an error in `node`, with where it was made, and where the nodes were made that it comes from."""
    _warn(node, f"Error detected in {node.name()}. ", "Traceback of forward call that caused the error:\n")
    while (node := node.metadata.get("parent_")) is not None:
        _warn(
            node,
            f"\n\nPrevious calculation was induced by {node.name()}. ",
            "Traceback of forward call that induced the previous calculation:\n",
        )


_core._set_anomaly_calls(_made, _failed)
