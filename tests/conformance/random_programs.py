"""Random programs against PyTorch: `python -m tests.conformance.random_programs --programs 500 --seed 0`.

Every program runs in PyTorch and here, in all deferral settings: at each line the same exception or none, and the same
values, versions, flags, strides and grad_fn names wherever the program looks and of every variable at its end.

What differs on purpose, or is nobody's promise, is left out by rule:
- PyTorch refuses a saved value when any byte of its storage was written since, we when its own bytes were. So each
  program runs twice here: once with our rule made as coarse (the planted fault "log-spreads"), where everything must
  agree, and once as it is, where the comparison ends before a line that PyTorch alone refuses for that reason.
- Hooks do not write the gradients that they get: ours are private to them, PyTorch's are not.
- A view whose base has just got a history counts as a leaf in PyTorch until somebody looks at its grad_fn, so that a
  write to it is refused, and `register_hook` on it ends the process. PyTorch's run looks at every grad_fn before each
  line; where one line writes a view twice, as `x[:] += y` does, that is too late, and the comparison ends there.
- PyTorch calls a tensor's hooks with None when its node is reached without a gradient for it, we do not call them: the
  hooks of the programs do nothing then.
- A refused write to an inference tensor outside of inference mode: PyTorch has written by then. The comparison ends
  before such a line.
- A write from a tensor that overlaps the written one and one of them has gaps: PyTorch reads what it has just written.
  Programs for PyTorch have no such lines.
- PyTorch refuses saved values of nodes whose edges lead nowhere, such as one over a view made under no_grad. Programs
  for PyTorch compute nothing of such views.
- PyTorch refuses a saved view that may not be used since its base was written, even if no gradient goes there.
- PyTorch fails with an internal assertion at a write to what was retain_grad and then detached in place. Programs for
  PyTorch have no such lines.
- retain_grad of a view that may not be used since its base was written: PyTorch takes it for a leaf, we refuse. The
  comparison ends before such a line.
- autograd.grad by a view made under no_grad, which requires grad but has no place in the graph: PyTorch returns None,
  we refuse.
- A write through a mask into elements that are named twice: PyTorch warns, we refuse. The comparison ends before it.
- Versions of gradients and of what is computed with inference tensors: PyTorch counts what it does itself.
- Which gradients are stored when a backward pass fails half-way: the comparison ends before such a line.
- Strides of what autograd.grad returns, and the version of a second `.data` of one storage.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import torch

from tests.random_programs.generate import generate
from tests.random_programs.machine import Run, difference, execute, shrink
from tests.random_programs.program import Program
from tests.settings import DEFERRAL_SETTINGS

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}
COARSE = "log-spreads"
# Faults that PyTorch cannot tell: its own rule, and what its hooks do not promise.
OURS_ALONE = (COARSE, "hook-shared")


def _parts_on_purpose(text: str, at: int, theirs: Run, ours: Run) -> bool:
    """Whether a line goes on in one library and not in the other for one of the reasons above."""
    differentiates = ".backward(" in text or "autograd.grad(" in text
    masked = "> 0.5] =" in text or "masked_fill_(" in text
    if ours.errors[at] is None:
        asleep = at in theirs.leaf_write and ("] += " in text or "] *= " in text)
        return asleep or (differentiates and at in theirs.forbidden)
    if at in ours.no_input:
        return theirs.errors[at] in (None, "AttributeError")  # The latter is of None.clone.
    return theirs.errors[at] is None and (".retain_grad(" in text or (masked and at in ours.repeated))


def _cut(program: Program, theirs: Run, ours: Run, coarse: bool) -> tuple[int, bool] | None:
    """The line from which on the two libraries' states are not comparable, and whether both must refuse it alike."""
    for at, line in enumerate(program.lines):
        if at in theirs.stale:
            return at, coarse
        if _parts_on_purpose(line.text, at, theirs, ours):
            return at, False
        # Which gradients a pass has stored before it fails is nobody's promise.
        partial = ".backward(" in line.text and theirs.errors[at] is not None
        if partial or at in theirs.half_written:
            return at, True
    return None


def _against(subject: Any, program: Program, setting: str, faults: tuple[str, ...]) -> str | None:
    theirs = execute(torch, program, awake=True)
    ours = execute(subject, program, setting, faults)
    cut = _cut(program, theirs, ours, COARSE in faults)
    if cut is None:
        return difference(program, ours, theirs, TOLERANCE[program.dtype])
    at, alike = cut
    if alike and theirs.errors[at] != ours.errors[at]:
        return difference(program, ours, theirs, until=at + 1)
    return _against(subject, program.with_lines(program.lines[:at]), setting, faults)


def compare(subject: Any, program: Program, setting: str, faults: tuple[str, ...] = ()) -> str | None:
    """Where a program differs between PyTorch and here, in words."""
    coarse = _against(subject, program, setting, (*faults, COARSE))
    return coarse or _against(subject, program, setting, faults)


def _programs(seed: int, count: int) -> Iterator[Program]:
    for number in range(count):
        yield generate(seed + number, ours=False)


def _report(subject: Any, program: Program, setting: str) -> None:
    small = shrink(program, lambda p: compare(subject, p, setting) is not None)
    print(f"DIFFERENT from PyTorch under {setting}, shortest form:\n{small}")
    print(f"    {compare(subject, small, setting)}"[:900], flush=True)


def _planted_table(subject: Any, seed: int, count: int) -> int:
    missed = 0
    print("planted fault: programs until PyTorch's judgement differed")
    for fault in subject._core._faults():
        if fault in OURS_ALONE:
            print(f"    {fault}: not PyTorch's rule, judged by tests/test_random_programs.py")
            continue
        found = None
        for number, program in enumerate(_programs(seed, count), 1):
            if compare(subject, program, program.setting, (fault,)):
                found = number
                break
        missed += found is None
        print(f"    {fault}: {found or 'NOT FOUND'}", flush=True)
    return missed


def main() -> int:
    """Runs the programs; 0 when none differs and every planted fault is found."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.random_programs")
    parser.add_argument("--programs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=None, help="of the first program; the rest count up")
    parser.add_argument("--subject", default="tapeless")
    parser.add_argument("--show", type=int, default=3, help="how many differences are shown in short form")
    parser.add_argument("--no-faults", action="store_true", help="do not plant faults")
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(2**31) if arguments.seed is None else arguments.seed
    subject = importlib.import_module(arguments.subject)
    print(f"random programs against PyTorch {torch.__version__}: --programs {arguments.programs} --seed {seed}")
    torch.set_num_threads(1)
    different = 0
    for program in _programs(seed, arguments.programs):
        setting = next((s for s in DEFERRAL_SETTINGS if compare(subject, program, s)), None)
        different += setting is not None
        if setting is not None and different <= arguments.show:
            _report(subject, program, setting)
    missed = 0 if arguments.no_faults else _planted_table(subject, seed, arguments.programs)
    print(f"random programs: {arguments.programs} run, {different} different, {missed} planted faults not found")
    return 1 if different or missed else 0


if __name__ == "__main__":
    sys.exit(main())
