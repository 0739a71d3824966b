# torch.cuda.amp.autocast_mode: autocast with "cuda" as the device.
"""`autocast` of the older interface."""

import functools
from typing import Any

import tapeless
from tapeless import amp


class autocast(amp.autocast):
    """`torch.amp.autocast("cuda", …)`."""

    def __init__(self, enabled: Any = True, dtype: Any = tapeless.float16, cache_enabled: Any = True) -> None:
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


custom_fwd = functools.partial(amp.custom_fwd, device_type="cuda")
custom_bwd = functools.partial(amp.custom_bwd, device_type="cuda")
