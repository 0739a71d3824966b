"""What the writer of random programs knows of the variables: shapes, shared memory, who wants a gradient."""

from dataclasses import dataclass, field

__all__ = ["Memory", "Name", "broadcasts", "leaves_no_gaps", "listed"]


@dataclass
class Memory:
    """What the tensors of one storage have in common: a bound on their numbers, and whether a gradient is wanted."""

    bound: float = 2.0
    tracked: bool = False
    fixed: bool = False  # a leaf that requires grad: writing it in grad mode is refused
    aliases: list[str] = field(default_factory=list)  # made by .data, of this storage

    def beside(self) -> "Memory":
        """The same storage without history."""
        return Memory(self.bound, aliases=self.aliases)


@dataclass
class Name:
    """One variable of the program."""

    name: str
    shape: tuple[int, ...]
    memory: Memory = field(default_factory=Memory)
    is_view: bool = False
    leaf: bool = False
    loose: bool = False  # a view made without recording: requires grad with its base, but has no place in the graph
    repeats: bool = False  # an expanded tensor
    retained: bool = False  # retain_grad was called
    plain: bool = True  # in row-major order and without gaps

    @property
    def count(self) -> int:
        """How many elements it has."""
        total = 1
        for size in self.shape:
            total *= size
        return total


def broadcasts(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether one shape broadcasts to another."""
    if len(small) > len(large):
        return False
    return all(a in (1, b) for a, b in zip(reversed(small), reversed(large), strict=False))


def leaves_no_gaps(index: str) -> bool:
    """Whether what an index takes of a plain tensor is plain."""
    return not index.startswith(("...", "::"))


def listed(shape: tuple[int, ...]) -> str:
    """Arguments of expand that keep a shape."""
    return ", ".join("-1" for _ in shape) or ""
