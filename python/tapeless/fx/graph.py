# torch.fx.graph: types of traced functions, of which there are none.
"""Types for isinstance and annotations."""

from tapeless import _doors

_WHY = "torch.fx.{}: functions are not traced here; call the module itself"
Graph = _doors.kind("Graph", "torch.fx", _WHY.replace("{}", "Graph"))
