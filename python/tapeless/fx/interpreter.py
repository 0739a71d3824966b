# torch.fx.interpreter: types of traced functions, of which there are none.
"""Types for isinstance and annotations."""

from tapeless import _doors

_WHY = "torch.fx.{}: functions are not traced here; call the module itself"
Interpreter = _doors.kind("Interpreter", "torch.fx", _WHY.replace("{}", "Interpreter"))
Transformer = _doors.kind("Transformer", "torch.fx", _WHY.replace("{}", "Transformer"))
