# torch.fx._symbolic_trace: tracing, which is refused.
"""The tracer's type and the function that would use it."""

from tapeless import _doors

_WHY = "torch.fx.{}: functions are not traced here; call the module itself, and see its graph by tapeless.viz"
Tracer = _doors.kind("Tracer", "torch.fx", _WHY.replace("{}", "Tracer"))
symbolic_trace = _doors.refusing("symbolic_trace", RuntimeError, _WHY.replace("{}", "symbolic_trace"))
globals().update(_doors.answers("is_fx_tracing is_fx_symbolic_tracing", False))
