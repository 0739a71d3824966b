# torch.export: out of scope; it says so.
"""No export of graphs: `export`, `save` and `load` refuse; `Dim` is there for annotations."""

from typing import Any

from tapeless import _doors

_WHY = "torch.export.{}: exporting graphs is out of scope; call the module itself, and store its state_dict"
globals().update(
    _doors.refusals(
        "export draft_export save load unflatten default_decompositions register_dataclass", RuntimeError, _WHY
    )
)
globals().update(
    _doors.kinds("ExportedProgram ExportGraphSignature UnflattenedModule", "torch.export", "exporting is out of scope")
)


class Dim:
    """The name of a size that may change, with its bounds."""

    AUTO = DYNAMIC = STATIC = None

    def __init__(self, name: str, *, min: int | None = None, max: int | None = None) -> None:
        self.__name__, self.min, self.max = name, min, max


Dim.AUTO, Dim.DYNAMIC, Dim.STATIC = Dim("AUTO"), Dim("DYNAMIC"), Dim("STATIC")


def dims(*names: str, min: int | None = None, max: int | None = None) -> tuple[Any, ...]:
    """A Dim for each name."""
    return tuple(Dim(name, min=min, max=max) for name in names)
