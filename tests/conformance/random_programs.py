"""Random programs against PyTorch: `python -m tests.conformance.random_programs --programs 500 --seed 0`.

Every program runs in PyTorch and here, in all deferral settings: at each line the same exception or none, and the same
values, versions, flags, strides and grad_fn names wherever the program looks and of every variable at its end.

Two documented differences are left out by rule. PyTorch refuses a saved value when any byte of its storage was written
since; we refuse it when its own bytes were. So each program runs twice here: once with our rule made as coarse as
PyTorch's (the planted fault "log-spreads"), where everything must agree, and once as it is, where a line that PyTorch
refused for that reason may succeed, and the comparison ends before that line. And hooks do not write the gradients that
they get, because ours are private to them and PyTorch's are not.
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
from tests.random_programs.machine import Run, difference, execute, planted, shrink
from tests.random_programs.program import Program
from tests.settings import DEFERRAL_SETTINGS

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}
COARSE = "log-spreads"
# Faults that PyTorch cannot tell: its own rule, and what its hooks do not promise.
OURS_ALONE = (COARSE, "hook-shared")


def _finer(theirs: Run, ours: Run) -> int | None:
    """The line from which on PyTorch's coarser rule makes the programs incomparable."""
    return next((at for at in theirs.stale if ours.errors[at] is None), None)


def compare(subject: Any, program: Program, setting: str, faults: tuple[str, ...] = ()) -> str | None:
    """Where a program differs between PyTorch and here, in words."""
    tolerance = TOLERANCE[program.dtype]
    theirs = execute(torch, program)
    coarse = execute(subject, program, setting, (*faults, COARSE))
    found = difference(program, coarse, theirs, tolerance)
    if found:
        return found
    ours = execute(subject, program, setting, faults)
    return difference(program, ours, theirs, tolerance, _finer(theirs, ours))


def _programs(seed: int, count: int) -> Iterator[Program]:
    for number in range(count):
        yield generate(seed + number, private_hooks=False)


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
    print(
        f"random programs against PyTorch {torch.__version__}: --programs {arguments.programs} --seed {seed}"
    )
    torch.set_num_threads(1)
    different = 0
    for program in _programs(seed, arguments.programs):
        setting = next((s for s in DEFERRAL_SETTINGS if compare(subject, program, s)), None)
        different += setting is not None
        if setting is not None and different <= arguments.show:
            _report(subject, program, setting)
    missed = 0 if arguments.no_faults else _planted_table(subject, seed, arguments.programs)
    print(
        f"random programs: {arguments.programs} run, {different} different, {missed} planted faults not found"
    )
    return 1 if different or missed else 0


__all__ = ["compare", "main", "planted"]

if __name__ == "__main__":
    sys.exit(main())
