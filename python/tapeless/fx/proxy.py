# torch.fx.proxy: types of traced functions, of which there are none.
"""Types for isinstance and annotations."""

from tapeless import _doors

_WHY = "torch.fx.{}: functions are not traced here; call the module itself"
Proxy = _doors.kind("Proxy", "torch.fx", _WHY.replace("{}", "Proxy"))
GraphAppendingTracer = _doors.kind("GraphAppendingTracer", "torch.fx", _WHY.replace("{}", "GraphAppendingTracer"))
TracerBase = _doors.kind("TracerBase", "torch.fx", _WHY.replace("{}", "TracerBase"))
