# Copies of a module on other devices.
"""replicate."""

from typing import Any

from tapeless.nn.parallel._functions import Broadcast

__all__ = ["replicate"]


def replicate(network: Any, devices: Any, detach: bool = False) -> list[Any]:
    """Copies of a module on several devices: none can be made where there is only the CPU."""
    return Broadcast.apply(devices, *network.parameters())
