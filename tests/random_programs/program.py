"""A random program: lines of Python over tensors t0, t1, ... and arrays a0, a1, ..."""

import functools
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

    def __str__(self) -> str:
        head = f"# seed {self.seed}, profile {self.profile}, F = {self.dtype}, {self.setting}"
        return "\n".join([head, *(line.text for line in self.lines)])
