"""Random index expressions against PyTorch: `-m tests.conformance.index_expressions --seed 1`.

Every expression of `tests/index_expressions.py` runs in PyTorch and here, with fusion off and with everything
deferred: the same exception class, or the same values, dtype, shape, strides, grad_fn names and gradients of both
sides; of every fifth that is differentiated, the gradient of the gradient too.

What differs on purpose is left out by rule:
- PyTorch lets masks of uint8 read, and refuses them where one number is written; we let them do both.
- An Ellipsis after a list or an array that is a mask of several dimensions: PyTorch counts it as one, and then fails.
"""

from __future__ import annotations

import argparse
import importlib
import random
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.index_expressions import Expression, generate
from tests.settings import DEFERRAL_SETTINGS

SETTINGS = ("fusion-off", "defer-everything")
ERRORS = (IndexError, ValueError, TypeError, RuntimeError)
SECOND = 5  # of every such expression

# Misunderstandings that a library could have, as rewritings of what it is told to run; each must be noticed.
PLANTS: dict[str, Callable[[str], str]] = {
    "a negative number counts from 0": lambda text: re.sub(r"^((?:y =|part =)? ?x\[)-(\d)(?=[\],])", r"\1\2 - 1", text),
    "a step is ignored": lambda text: re.sub(r"^(.*x\[[^\]]*:[^\],:]*):[23]", r"\1", text),
    "None adds nothing": lambda text: re.sub(r"^(.*x\[[^\]]*)None, ", r"\1", text),
    "marks are inverted": lambda text: re.sub(r"^(.*x\[.*)\bTrue\b", r"\1False", text),
    "numbers count as picks": lambda text: re.sub(r"^(.*x\[)(\d), ", r"\1torch.tensor([\2]), ", text),
    "a repeated element is added once": lambda text: text.replace("accumulate=True", "accumulate=False"),
    "a value gets no gradient": lambda text: re.sub(r"^(x\[.*\] \+?= v)$", r"\1.detach()", text),
    "a read has no gradient": lambda text: re.sub(r"^(y = x\[.*)$", r"\1.detach()", text),
    "a read is row-major": lambda text: re.sub(r"^(y = x\[.*)$", r"\1.contiguous()", text),
    "a read has another node": lambda text: re.sub(r"^(y = x\[.*)$", r"\1.clone()", text),
    "a write goes into a copy": lambda text: re.sub(r"^(x)(\[.*\] = v)$", r"x.clone()\2", text),
    "a value is not converted": lambda text: re.sub(r"^(x\[.*\] = v)$", r"\1.to(x.dtype)", text),
    "what is too far is the last": lambda text: re.sub(r"^(.*x\[)([1-9])(?=[\],])", r"\1min(\2, x.shape[0] - 1)", text),
}


class Outcome:
    """What a program sees of an expression in one library."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.at = 0  # how many lines ran
        self.facts: dict[str, Any] = {}
        self.arrays: dict[str, Any] = {}

    @property
    def refusal(self) -> str:
        """The class of the exception, by its promised base."""
        return next((kind.__name__ for kind in ERRORS if isinstance(self.error, kind)), type(self.error).__name__)


def _weights(library: Any, y: Any, seed: int) -> Any:
    numbers = np.arange(y.numel()) * (2 * (seed % 5) + 3) % 7 - 3.0
    return library.from_numpy(numbers.reshape(tuple(y.shape))).to(y.dtype)


def _gradients(library: Any, outcome: Outcome, names: dict[str, Any], expression: Expression) -> None:
    y = names["y"]
    leaves = [(name, names[name]) for name in ("base", "v") if getattr(names[name], "requires_grad", False)]
    if not leaves or not y.requires_grad:
        return
    twice = expression.seed % SECOND == 0
    weights = _weights(library, y, expression.seed)
    weights = weights.requires_grad_() if twice else weights
    leaves = [(name, x) for name, x in leaves]
    found = library.autograd.grad(y, [x for _, x in leaves], weights, allow_unused=True, create_graph=twice)
    for (name, _), g in zip(leaves, found, strict=True):
        outcome.arrays[f"gradient of {name}"] = g
        if twice and g is not None and g.requires_grad and y.numel() and g.numel():
            direction = _weights(library, g, expression.seed + 1)
            again = library.autograd.grad(g, weights, direction, allow_unused=True, retain_graph=True)
            outcome.arrays[f"second gradient by {name}"] = again[0]


def run(library: Any, expression: Expression, lines: list[Any]) -> Outcome:
    """Runs the lines of an expression in one library."""
    outcome = Outcome()
    names: dict[str, Any] = {"torch": library, "np": np}
    try:
        for line in lines:
            exec(line, names)  # the program's own text
            outcome.at += 1
        y = names["y"]
        outcome.facts = {
            "dtype": str(y.dtype).rsplit(".", 1)[-1],
            "shape": tuple(y.shape),
            "strides": tuple(n for n, size in zip(y.stride(), y.shape, strict=True) if size > 1) if y.numel() else (),
            "grad_fn": None if y.grad_fn is None else y.grad_fn.name(),
            "view": y._is_view(),
        }
        outcome.arrays["values"] = y
        _gradients(library, outcome, names, expression)
        for name, x in outcome.arrays.items():
            outcome.arrays[name] = None if x is None else x.detach().resolve_conj().numpy()
    except Exception as error:  # any exception is an outcome to compare
        outcome.error = error
    return outcome


def difference(theirs: Outcome, ours: Outcome) -> str | None:
    """In which way two libraries differ, in words."""
    if theirs.error is not None or ours.error is not None:
        if theirs.refusal == ours.refusal and theirs.at == ours.at:
            return None
        return f"{ours.error!r:.200} where PyTorch has {theirs.error!r:.200}"
    for name, wanted in theirs.facts.items():
        if ours.facts[name] != wanted:
            return f"{name} {ours.facts[name]} where PyTorch has {wanted}"
    if theirs.arrays.keys() != ours.arrays.keys():
        return f"{list(ours.arrays)} where PyTorch has {list(theirs.arrays)}"
    for name, wanted in theirs.arrays.items():
        got = ours.arrays[name]
        same = got is wanted is None or (
            got is not None and wanted is not None and got.dtype == wanted.dtype and np.array_equal(got, wanted)
        )
        if not same:
            return f"{name}: {got!r:.300} where PyTorch has {wanted!r:.300}"
    return None


def _parts_on_purpose(expression: Expression, theirs: Outcome, ours: Outcome) -> bool:
    """Whether the difference is one that we want."""
    refused = "" if theirs.error is None else str(theirs.error)
    bytes_fill = refused.startswith("masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")
    wide_mask = refused.startswith("Dimension out of range") and "..." in expression.key
    return ours.error is None and (bytes_fill or wide_mask)


def compare(subject: Any, expression: Expression, settings: Any, plant: str = "") -> str | None:
    """Where an expression differs between PyTorch and here, in words."""
    text = expression.text
    lines = [compile(line, "<expression>", "exec") for line in text.split("\n")]
    own = lines
    if plant:
        told = [line if line.startswith(("base", "x =", "v =")) else PLANTS[plant](line) for line in text.split("\n")]
        if told == text.split("\n"):
            return None
        try:
            own = [compile(line, "<expression>", "exec") for line in told]
        except SyntaxError:
            return None
    theirs = run(torch, expression, lines)
    for setting in settings:
        with subject.fusion.settings(**DEFERRAL_SETTINGS[setting]):
            ours = run(subject, expression, own)
        parted = difference(theirs, ours)
        if parted and not _parts_on_purpose(expression, theirs, ours):
            return f"{setting}: {parted}"
    return None


def _planted(subject: Any, seed: int) -> list[str]:
    """The plants that no expression shows."""
    return [
        plant
        for plant in PLANTS
        if not any(compare(subject, generate(seed + number), SETTINGS[:1], plant) for number in range(2000))
    ]


def main() -> int:
    """Runs the expressions; 0 when none differs and every planted misunderstanding is noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.index_expressions")
    parser.add_argument("--expressions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=None, help="of the first expression; the rest count up")
    parser.add_argument("--subject", default="tapeless")
    parser.add_argument("--show", type=int, default=5, help="how many differences are shown")
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(2**31) if arguments.seed is None else arguments.seed
    subject = importlib.import_module(arguments.subject)
    importlib.import_module(f"{arguments.subject}.fusion")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    begun, different, counts = time.monotonic(), 0, Counter[str]()
    for number in range(arguments.expressions):
        expression = generate(seed + number)
        counts["read" if expression.action == "read" else "written"] += 1
        counts["differentiated"] += expression.differentiates
        counts["meant to fail"] += bool(expression.broken)
        parted = compare(subject, expression, SETTINGS)
        different += parted is not None
        if parted and different <= arguments.show:
            print(f"DIFFERENT from PyTorch, seed {expression.seed}:\n{expression.text}\n    {parted}", flush=True)
    missed = _planted(subject, seed)
    for plant in missed:
        print(f"planted misunderstanding not noticed: {plant}")
    sums = ", ".join(f"{count} {what}" for what, count in counts.items())
    print(
        f"index expressions against PyTorch {torch.__version__}: --expressions {arguments.expressions} --seed {seed}: "
        f"{sums}; {different} different; {len(PLANTS) - len(missed)} of {len(PLANTS)} planted misunderstandings "
        f"noticed; {time.monotonic() - begun:.0f} s"
    )
    return 1 if different or missed else 0


if __name__ == "__main__":
    sys.exit(main())
