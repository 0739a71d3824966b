"""The runner of random programs: what a library makes of one, and where two runs part."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.random_programs.program import Line, Program
from tests.settings import DEFERRAL_SETTINGS

__all__ = ["Run", "difference", "direction", "execute", "planted", "shrink"]

# Parts of messages, PyTorch's and ours, by which refusals are told apart; see `Run`.
STALE = "modified by an inplace operation"
REPEATED = "refers to a single memory location"
FORBIDDEN = "view of its base has been modified inplace"
NO_INPUT = "One of the differentiated Tensors does not require grad"
LEAF_WRITE = "a leaf Variable that requires grad is being used in an in-place operation"
INFERENCE_WRITE = "Inplace update to inference tensor"


@dataclass
class Run:
    """What one run of a program showed."""

    errors: list[str | None] = field(default_factory=list)  # one for each line
    stale: list[int] = field(default_factory=list)  # lines that refused a saved value that was written
    half_written: list[int] = field(default_factory=list)  # lines that PyTorch refuses after it has written
    forbidden: list[int] = field(default_factory=list)  # lines that refuse a view
    no_input: list[int] = field(default_factory=list)  # lines that refuse to differentiate by a tensor
    leaf_write: list[int] = field(default_factory=list)  # lines that refuse to write a leaf
    repeated: list[int] = field(default_factory=list)  # lines that refuse a write to elements named twice
    seen: list[tuple[int, str, Any]] = field(default_factory=list)  # line, what, value
    pending_at_write: bool = False
    probes: dict[str, tuple[float, dict[int, Any] | None]] = field(default_factory=dict)  # see Machine.probe


@contextlib.contextmanager
def planted(library: Any, faults: tuple[str, ...]) -> Iterator[None]:
    """Breaks rules of the core for the time of the context."""
    for fault in faults:
        library._core._plant_fault(fault, True)
    try:
        yield
    finally:
        for fault in faults:
            library._core._plant_fault(fault, False)


def _draw(number: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.RandomState(number).uniform(-1.0, 1.0, shape)


class Machine:
    """The variables and helpers of one run."""

    def __init__(self, library: Any, program: Program, shift: float) -> None:
        self.run = Run()
        self.library = library
        self.program = program
        self.at = 0
        self.shift = shift
        self.leaves: dict[str, int] = {}  # their numbers by their names
        run = self.run
        self.reasons = (
            (STALE, run.stale),
            (FORBIDDEN, run.forbidden),
            (NO_INPUT, run.no_input),
            (REPEATED, run.repeated),
            (LEAF_WRITE, run.leaf_write),
            (INFERENCE_WRITE, run.half_written),
        )
        dtype = np.dtype(program.dtype)
        self.names: dict[str, Any] = {
            "torch": library,
            "F": getattr(library, program.dtype),
            "ROWS": library.contiguous_format,
            "data": lambda number, shape: _draw(number, shape).astype(dtype),
            "leaf": lambda number, shape: self.leaf(number, shape).astype(dtype),
            "look": lambda x: self.look("look", self.program.lines[self.at].text[len("look(") : -1], x),
            "peek": lambda x: self.see("peek", _values(x)),
            "double": _given(lambda g: g * 2),
            "spy": lambda number: _given(lambda g: self.see(f"hook {number}", _values(g))),
            "spy_leaf": lambda number: lambda x: self.see(f"leaf hook {number}", _values(x.grad)),
            "spoil": _given(lambda g: _nothing(g.fill_(0.5))),
            "scale": _given(lambda g: g.mul_(3)),
            "boom": _given(_boom),
        }

    def leaf(self, number: int, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers of a leaf, which is called t0 when its number is 1."""
        self.leaves[f"t{number - 1}"] = number
        return _draw(number, shape) + self.shift * direction(number, shape)

    def see(self, what: str, value: Any) -> None:
        """Notes a value for the comparison."""
        self.run.seen.append((self.at, what, value))

    def look(self, what: str, name: str, x: Any) -> None:
        """Notes all about a variable but its values."""
        facts = FACTS[:-1] if name in self.program.uncounted else FACTS
        self.see(f"{what} {name}", tuple(_fact(x, read) for read in facts))

    def step(self, line: Line) -> None:
        """Runs one line, and notes how it ended."""
        try:
            exec(line.code, self.names)  # noqa: S102
            self.run.errors.append(None)
        except Exception as error:
            self.run.errors.append(type(error).__name__)
            for text, lines in self.reasons:
                if text in str(error):
                    lines.append(self.at)

    def tensors(self) -> list[tuple[str, Any]]:
        """The tensors among the variables."""
        kind = self.library.Tensor
        return [(name, x) for name, x in self.names.items() if isinstance(x, kind)]

    def probe(self) -> None:
        """Notes of every result a weighted sum, and that sum's gradients by the leaves' numbers; None where refused."""
        leaves = {number: self.names[name] for name, number in self.leaves.items()}
        for name, x in self.tensors():
            if not x.requires_grad or x.is_leaf:
                continue
            weights = self.library.tensor(direction(0, tuple(x.shape)), dtype=x.dtype)
            total, gradients = (x * weights).sum(), None
            with contextlib.suppress(RuntimeError):
                options = {"retain_graph": True, "allow_unused": True}
                made = self.library.autograd.grad(total, list(leaves.values()), **options)
                gradients = {n: g.numpy() for n, g in zip(leaves, made, strict=True) if g is not None}
            self.run.probes[name] = (total.item(), gradients)

    def close(self) -> None:
        """Notes all about every variable."""
        for name, x in self.tensors():
            self.look("facts of", name, x)
        for name, x in list(self.names.items()):
            if isinstance(x, np.ndarray):
                self.see(f"values of {name}", x.copy())
        for name, x in self.tensors():
            self.see(f"values of {name}", _values(x))
        for name, x in self.tensors():
            if _fact(x, lambda x: x.is_leaf or x.retains_grad) is True:
                self.see(f"gradient of {name}", _values(x.grad))


def direction(number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Where finite differences move the leaf of that number."""
    return _draw(number + 100_000, shape)


def _given(hook: Any) -> Any:
    return lambda g: None if g is None else hook(g)


def _nothing(_: Any) -> None:
    return None


def _boom(_: Any) -> None:
    raise ArithmeticError("a hook fails")


def _values(x: Any) -> Any:
    if x is None:
        return None
    try:
        return x.detach().clone().numpy()
    except RuntimeError as error:
        return type(error).__name__


def _strides(x: Any) -> tuple[int, ...]:
    return tuple(step for size, step in zip(x.shape, x.stride(), strict=True) if size > 1) if x.numel() else ()


FACTS = (
    lambda x: str(x.dtype).rsplit(".", 1)[-1],
    lambda x: tuple(x.shape),
    _strides,
    lambda x: x.requires_grad,
    lambda x: x.is_leaf,
    lambda x: x.grad_fn and x.grad_fn.name(),
    lambda x: x.is_inference(),
    lambda x: x._version,
)


def _fact(x: Any, read: Any) -> Any:
    try:
        return read(x)
    except RuntimeError as error:
        return type(error).__name__


def _settings(library: Any, name: str) -> contextlib.AbstractContextManager[Any]:
    fusion = getattr(library, "fusion", None)
    return fusion.settings(**DEFERRAL_SETTINGS[name]) if fusion else contextlib.nullcontext()


def _wake(machine: Machine) -> None:
    """Looks at every tensor's grad_fn, which makes views notice writes to their base."""
    for _, x in machine.tensors():
        _fact(x, lambda x: x.grad_fn)


def execute(
    library: Any,
    program: Program,
    setting: str = "fusion-off",
    faults: tuple[str, ...] = (),
    shift: float = 0.0,
    awake: bool = False,
    probe: bool = False,
) -> Run:
    """Runs a program. `shift` moves the leaves; `awake`: each tensor's grad_fn is looked at before each line.

    `probe`: at the end, sums and their gradients are noted for finite differences.
    """
    machine = Machine(library, program, shift)
    run = machine.run
    with _settings(library, setting), planted(library, faults), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for machine.at, line in enumerate(program.lines):
            if line.writes and not run.pending_at_write and setting != "fusion-off":
                run.pending_at_write = any(x._is_pending() for _, x in machine.tensors())
            if awake:
                _wake(machine)
            machine.step(line)
        machine.at += 1
        if probe:
            machine.probe()
        machine.close()
    return run


def _same_values(x: Any, y: Any, tolerance: float) -> bool:
    if not (isinstance(x, np.ndarray) and isinstance(y, np.ndarray)):
        return bool(type(x) is type(y) and x == y)
    if x.shape != y.shape or x.dtype != y.dtype:
        return False
    if tolerance == 0 or x.dtype.kind not in "fc":
        return np.array_equal(x, y, equal_nan=x.dtype.kind in "fc")
    # Sums of large terms that cancel lose digits against the largest term, not against the result.
    finite = np.abs(y[np.isfinite(y)])
    scale = max(1.0, float(finite.max(initial=0.0)))
    return bool(np.allclose(x, y, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def difference(program: Program, x: Run, y: Run, tolerance: float = 0.0, until: int | None = None) -> str | None:
    """Where two runs part first, in words; None when they agree. Lines from `until` on do not count."""
    last = len(program.lines) + 1 if until is None else until
    for at, (a, b) in enumerate(zip(x.errors, y.errors, strict=True)):
        if at < last and a != b:
            return f"line {at}: `{program.lines[at].text}`: {a or 'no error'} against {b or 'no error'}"
    # The order within a line is nobody's promise: which of an operation's inputs gets its gradient first.
    seen_x, seen_y = (sorted((s for s in run.seen if s[0] < last), key=lambda s: s[:2]) for run in (x, y))
    for (at, what, a), (other, also, b) in zip(seen_x, seen_y, strict=False):
        if (at, what) != (other, also):
            return f"line {at}: {what} was seen where the other run saw {also} at line {other}"
        if not _same_values(a, b, tolerance):
            return f"line {at}: {what}: {a} against {b}"
    if len(seen_x) != len(seen_y):
        return f"{len(seen_x)} values were seen where the other run saw {len(seen_y)}"
    return None


def shrink(program: Program, fails: Any) -> Program:
    """The program without every line that its failure does not need."""
    lines = list(program.lines)
    changed = True
    while changed:
        changed = False
        for at in reversed(range(len(lines))):
            shorter = program.with_lines(tuple(lines[:at] + lines[at + 1 :]))
            if fails(shorter):
                del lines[at]
                changed = True
    return program.with_lines(tuple(lines))
