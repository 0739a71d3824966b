"""The samples on which PyTorch 2.13 itself is wrong: each is excused by name, and printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cases import Case

# Of all samples compared, the share that may be excused.
LARGEST_EXCUSED_SHARE = 0.02


@dataclass(frozen=True)
class Fault:
    """One wrong answer of PyTorch's: what it is, where it shows, and why ours is right."""

    name: str
    operations: tuple[str, ...]
    stages: frozenset[str]
    applies: Callable[[Case], bool]
    reason: str

    def excuses(self, case: Case) -> bool:
        """Whether everything that disagrees in `case` is this fault."""
        return case.name in self.operations and case.stages <= self.stages and self.applies(case)


# A row: Fault("name", ("op",), frozenset({"gradient"}), lambda case: …, "what is wrong, and why").
FAULTS: tuple[Fault, ...] = ()


def excuse_for(case: Case, faults: tuple[Fault, ...] = FAULTS) -> Fault | None:
    """The fault that excuses a disagreeing case, if there is one."""
    return next((fault for fault in faults if fault.excuses(case)), None)
