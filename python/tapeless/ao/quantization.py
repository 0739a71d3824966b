# torch.ao.quantization: out of scope; the stubs of models that are not quantized do nothing, as in PyTorch.
"""Modules that mark where a model would be quantized: in a model of floating-point numbers they change nothing."""

from typing import Any

from tapeless import _doors, nn

_WHY = "torch.ao.quantization.{}: quantization is out of scope; keep the model in floating point, or use bfloat16"


class QuantStub(nn.Module):
    """Where a model's input would be quantized: gives it as it is."""

    def __init__(self, qconfig: Any = None) -> None:
        super().__init__()
        if qconfig:
            self.qconfig = qconfig

    def forward(self, x: Any) -> Any:
        """The input."""
        return x


class DeQuantStub(QuantStub):
    """Where a model's output would be dequantized: gives it as it is."""


globals().update(
    _doors.refusals(
        "prepare prepare_qat convert quantize quantize_dynamic quantize_qat fuse_modules fuse_modules_qat "
        "get_default_qconfig get_default_qat_qconfig default_qconfig",
        RuntimeError,
        _WHY,
    )
)
