# Numbers that a tracer would not know yet; functions run as they are written, so nothing is one.
"""Types for isinstance and annotations."""

from tapeless import _doors

_WHY = "torch.{}: functions are not traced here; a size is an int"
SymInt, SymFloat, SymBool = (
    _doors.kind(name, "torch", _WHY.replace("{}", name)) for name in ("SymInt", "SymFloat", "SymBool")
)
