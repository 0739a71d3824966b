# torch.cpu.amp.grad_scaler: GradScaler with "cpu" as the device.
"""`GradScaler` of the older interface."""

from tapeless import amp


class GradScaler(amp.GradScaler):
    """`torch.amp.GradScaler("cpu", …)`."""

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
