# torch.fx.experimental: what packages ask there of traces in progress.
"""Questions about tracing, with the answer that there is none."""

from tapeless.fx.experimental import proxy_tensor

__all__ = ["proxy_tensor"]
