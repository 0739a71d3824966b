# torch.cuda.streams: names of torch.cuda under the module that PyTorch has them in.
"""Streams and events of CUDA devices."""

from tapeless.cuda import (
    Event,
    ExternalStream,
    Stream,
)

__all__ = [
    "Event",
    "ExternalStream",
    "Stream",
]
