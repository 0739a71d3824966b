# torch.fx.graph_module: types of traced functions, of which there are none.
"""Types for isinstance and annotations."""

from tapeless import _doors

_WHY = "torch.fx.{}: functions are not traced here; call the module itself"
GraphModule = _doors.kind("GraphModule", "torch.fx", _WHY.replace("{}", "GraphModule"))
