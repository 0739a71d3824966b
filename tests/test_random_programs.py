"""Random programs mean the same in every deferral setting, and their gradients are right; the judges prove themselves.

There is no PyTorch here, so three judges share the work (`make conformance` adds PyTorch as the fourth, with the same
programs and faults):
- the settings: a program shows the same, bit for bit, whether its expressions wait or not;
- finite differences: gradients of programs that do nothing but compute are those of what was computed;
- the rule in place: a core with a rule broken shows what the unbroken core does not. It judges no program, it only
  proves that the programs reach the rule.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.random_programs.generate import generate
from tests.random_programs.machine import Run, difference, direction, execute, shrink
from tests.random_programs.program import Program
from tests.settings import DEFERRAL_SETTINGS, IS_PYTORCH
from tests.subject import torch

pytestmark = pytest.mark.skipif(IS_PYTORCH, reason="the settings and the faults are ours")

PROGRAMS = 500
LEAST_PENDING = 0.3  # share of programs with an expression pending at a write
STEP = 1e-5
TOLERANCE = 1e-5
# Rules whose loss the settings or finite differences see; the rest are seen by the rule in place and by PyTorch.
SEEN_HERE = {
    "write-shared",
    "overwrite-shared",
    "partial-drops-rest",
    "view-as-whole",
    "unexposed",
    "exposed-deferred",
    "log-forgets",
    "write-uncounted",
    "version-unchecked",
    "view-stale",
    "base-kept",
    "region-kept",
}


def by_settings(program: Program, faults: tuple[str, ...] = ()) -> tuple[str | None, Run]:
    """Where two settings part, and the run in the program's own setting."""
    runs = {name: execute(torch, program, name, faults) for name in DEFERRAL_SETTINGS}
    eager = runs["fusion-off"]
    for name, run in runs.items():
        parted = difference(program, run, eager)
        if parted:
            return f"{name} against fusion-off: {parted}", runs[program.setting]
    return None, runs[program.setting]


def by_differences(program: Program, faults: tuple[str, ...] = ()) -> tuple[str | None, int]:
    """Which gradient of a pure program is not that of its sum, by central differences; and how many were judged."""
    if program.profile != "pure":
        return None, 0
    unfinished = program.with_lines(tuple(line for line in program.lines if line.text != "loss.backward()"))
    here, ahead, behind = (
        execute(torch, unfinished, program.setting, faults, shift=step, probe=True).probes for step in (0, STEP, -STEP)
    )
    judged = 0
    for name, (_, gradients) in here.items():
        if gradients is None:
            continue
        judged += 1
        expected = (ahead[name][0] - behind[name][0]) / (2 * STEP)
        actual = sum(float((g * direction(number, g.shape)).sum()) for number, g in gradients.items())
        scale = max(1.0, abs(expected), *(float(np.abs(g).sum()) for g in gradients.values()), 0.0)
        if not abs(actual - expected) <= TOLERANCE * scale:
            return f"{name} changes by {expected} along a direction, its gradients say {actual}", judged
    return None, judged


def judge(program: Program, faults: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """Which judge finds fault with a program, and with what."""
    parted, _ = by_settings(program, faults)
    if parted:
        return "settings", parted
    wrong, _ = by_differences(program, faults)
    return ("finite differences", wrong) if wrong else None


def programs(seed: int) -> Iterator[Program]:
    """The programs of one run."""
    return (generate(seed + number) for number in range(PROGRAMS))


def report(program: Program) -> str:
    """The shortest form of a program that a judge faults."""
    small = shrink(program, lambda p: judge(p) is not None)
    return f"{small}\n    {judge(small)}"[:2000]


def test_programs_mean_the_same_in_every_setting_and_have_true_gradients(seed, capsys):
    pending = judged = 0
    for program in programs(seed):
        parted, run = by_settings(program)
        wrong, count = by_differences(program)
        assert not (parted or wrong), f"TAPELESS_TEST_SEED={seed}\n{report(program)}"
        pending += run.pending_at_write
        judged += count
    with capsys.disabled():
        print(
            f"\nrandom programs: {PROGRAMS} from seed {seed}; with an expression pending at a write: "
            f"{pending / PROGRAMS:.0%}; gradients judged by finite differences: {judged}"
        )
    assert pending >= LEAST_PENDING * PROGRAMS
    assert judged >= PROGRAMS


def find(fault: str, seed: int) -> tuple[str, int, str, int]:
    """After how many programs a fault is seen by the judges, and by the rule in place; 0 for never."""
    judged, by, against = 0, "", 0
    for number, program in enumerate(programs(seed), 1):
        if not judged and fault in SEEN_HERE:
            verdict = judge(program, (fault,))
            if verdict:
                judged, by = number, verdict[0]
        if not against:
            sound, broken = execute(torch, program, program.setting), execute(torch, program, program.setting, (fault,))
            against = number if difference(program, broken, sound) else 0
        if against and (judged or fault not in SEEN_HERE):
            break
    return fault, judged, by, against


def test_every_planted_fault_is_found(seed, capsys):
    faults = torch._core._faults()
    assert len(faults) >= 12 and set(faults) >= SEEN_HERE
    rows = [find(fault, seed) for fault in faults]
    with capsys.disabled():
        print(f"\nplanted faults, found after so many programs from seed {seed}:")
        for fault, judged, by, against in rows:
            seen = f"{judged} ({by})" if judged else "-" if fault not in SEEN_HERE else "NOT FOUND"
            print(f"    {fault}: {seen}; against the rule in place: {against or 'NOT FOUND'}")
    assert [fault for fault, judged, _, _ in rows if fault in SEEN_HERE and not judged] == []
    assert [fault for fault, _, _, against in rows if not against] == []
