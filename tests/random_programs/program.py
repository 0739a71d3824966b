"""A random program: lines of Python over tensors t0, t1, ... and arrays a0, a1, ..."""

import functools
import re
from dataclasses import dataclass
from types import CodeType

__all__ = ["Line", "Program"]


@functools.lru_cache(maxsize=50_000)
def _compiled(text: str) -> CodeType:
    return compile(text, "<random program>", "exec")


@dataclass(frozen=True)
class Line:
    """One statement; `writes`: it changes bytes that exist already."""

    text: str
    writes: bool = False

    @property
    def code(self) -> CodeType:
        """The statement, compiled once."""
        return _compiled(self.text)


# What a line assigns, and what from.
ASSIGNMENT = re.compile(r"(?:with [^:]*: )?(\w+(?:, \w+)*) = (.*)")
# Sources of tensors whose versions PyTorch does not promise: it counts what its engine adds to a gradient, and what it
# does itself to compute with inference tensors.
UNCOUNTED = re.compile(r"torch\.inference_mode|(?<!autograd)\.grad\b")


@dataclass(frozen=True)
class Program:
    """Lines, and what they need to be run again: the dtype and the deferral setting."""

    seed: int
    profile: str
    lines: tuple[Line, ...]
    dtype: str
    setting: str

    def with_lines(self, lines: tuple[Line, ...]) -> "Program":
        """The same program with other lines."""
        return Program(self.seed, self.profile, lines, self.dtype, self.setting)

    @functools.cached_property
    def uncounted(self) -> frozenset[str]:
        """Variables whose versions are not compared: from such a source, or made of such a variable."""
        names: set[str] = set()
        for line in self.lines:
            made = ASSIGNMENT.match(line.text)
            if made and (UNCOUNTED.search(line.text) or names & set(re.findall(r"\w+", made[2]))):
                names.update(made[1].split(", "))
        return frozenset(names)

    def __str__(self) -> str:
        head = f"# seed {self.seed}, profile {self.profile}, F = {self.dtype}, {self.setting}"
        return "\n".join([head, *(line.text for line in self.lines)])
