# torch.cpu.amp.autocast_mode: autocast with "cpu" as the device.
"""`autocast` of the older interface."""

from typing import Any

import tapeless
from tapeless import amp


class autocast(amp.autocast):
    """`torch.amp.autocast("cpu", …)`."""

    def __init__(self, enabled: Any = True, dtype: Any = tapeless.bfloat16, cache_enabled: Any = True) -> None:
        super().__init__("cpu", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)
