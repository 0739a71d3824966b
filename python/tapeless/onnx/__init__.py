# torch.onnx: export is out of scope; the questions about it have answers.
"""No export to ONNX: `is_in_onnx_export()` is False, and `export` refuses."""

import enum

from tapeless import _doors
from tapeless.onnx import symbolic_helper, symbolic_opset11

globals().update(_doors.answers("is_in_onnx_export is_onnxrt_backend_supported", False))
globals().update(
    _doors.refusals(
        "export dynamo_export",
        RuntimeError,
        "torch.onnx.{}: exporting graphs is out of scope; load the state_dict in PyTorch and export there",
    )
)
globals().update(_doors.answers("register_custom_op_symbolic unregister_custom_op_symbolic", None))
ONNXProgram = _doors.kind("ONNXProgram", "torch.onnx", "torch.onnx: exporting graphs is out of scope")


class OnnxExporterError(RuntimeError):
    """What an export raises; never raised here."""


class TrainingMode(enum.IntEnum):
    """In which mode a model would be exported."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OperatorExportTypes(enum.IntEnum):
    """How operations would be exported."""

    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3


__all__ = [
    "ONNXProgram",
    "OnnxExporterError",
    "OperatorExportTypes",
    "TrainingMode",
    "symbolic_helper",
    "symbolic_opset11",
]
