"""Proves the harness before each run: PyTorch agrees with itself, each planted fault is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from .runner import ROOT, Plan, Session

# Every kind of function the harness must find: plain, method, lambda, seeded, view, multi-output.
SOUND = ("add", "where", "view", "split", "max.reduction_with_dim", "slice", "randn", "gather",
         "nn.functional.gelu", "index_select")  # fmt: skip


def _sound_and_seen() -> list[str]:
    """What is wrong with the harness, found inside this process."""
    from . import broken
    from .worker import Worker

    wrong = []
    sound = Worker("torch", ("float32", "bfloat16", "complex128", "int64", "bool"))
    for name in SOUND:
        record = sound.measure(name)
        if record["groups"]:
            wrong.append(f"PyTorch disagrees with itself on {name}: {record['groups'][0]}")
    subject = Worker("tests.conformance.broken", ("float32", "complex128"))
    for plant, name, _, _, stage in broken.PLANTS:
        broken.plant = plant
        record = subject.measure(name)
        stages = sorted({found for _, found, _ in record["groups"]})
        if stage not in stages:
            wrong.append(f"planted fault '{plant}' in {name} was not seen as {stage}: {stages}")
    broken.plant = ""
    return wrong + _excuses(broken, subject) + _nan_is_a_value() + _errors_are_weighed()


def _excuses(broken: Any, subject: Any) -> list[str]:
    """A fault's row must excuse its own stage, and only that."""
    from . import worker
    from .faults import Fault, excuse_for

    wrong = []
    broken.plant = "node name"
    for stage in ("node", "value"):
        fault = Fault("planted", ("neg",), frozenset({stage}), lambda case: True, "planted")
        worker.excuse_for = lambda case, fault=fault: excuse_for(case, (fault,))
        excused, groups = (subject.measure("neg")[key] for key in ("excused", "groups"))
        still_seen = any(found == "node" for _, found, _ in groups)
        if bool(excused) != (stage == "node") or still_seen == bool(excused):
            wrong.append(f"a fault of stage {stage} excused {excused} and left {groups}")
    worker.excuse_for, broken.plant = excuse_for, ""
    return wrong


def _nan_is_a_value() -> list[str]:
    """NaN agrees with NaN, and with nothing else."""
    import torch

    from .compare import Tolerance, value_reason

    nan, zero = torch.tensor([float("nan")]), torch.tensor([0.0])
    seen = [bool(value_reason("value", nan, other, Tolerance())) for other in (nan, zero)]
    return [] if seen == [False, True] else [f"NaN against NaN and 0 differs: {seen}"]


def _errors_are_weighed() -> list[str]:
    """A number is as near as PyTorch's when its error is at most twice as large, and a NaN never is."""
    import torch

    from .compare import Tolerance, value_reason

    exact, expected = torch.tensor([1.0]).double(), torch.tensor([1.01])
    seen = []
    for value in (1.015, 1.05, float("nan")):
        reasons = value_reason("value", expected, torch.tensor([value]), Tolerance(), lambda: exact)
        seen.append([reason.as_near for reason in reasons])
    return [] if seen == [[True], [False], [False]] else [f"errors against float64 weigh {seen}"]


def _crash_is_survived() -> list[str]:
    """A worker that dies fails its name, and the next name still runs."""
    environment = {"TAPELESS_CONFORMANCE_PLANT": "crash"}
    plan = Plan("tests.conformance.broken", ("float32",), ("exp", "neg"), environment)
    crashed, after = Session(plan, {}, lambda setting, record: None).run()
    stages = [stage for _, stage, _ in crashed["groups"]]
    if stages != ["crash"] or after["groups"] or not after["agree"]:
        return [f"a crash in exp was recorded as {crashed['groups']}, then neg as {after}"]
    return []


def run_self_check() -> bool:
    """Runs the self-check in processes of its own and prints its line."""
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.conformance.selfcheck"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    wrong = _crash_is_survived()
    told, _ = child.communicate()
    found = json.loads(told.splitlines()[-1]) if child.returncode == 0 else None
    if found is None:
        wrong.append(f"the self-check ended with status {child.returncode}")
    else:
        wrong += found["wrong"]
    for text in wrong:
        print(f"self-check: {text}", flush=True)
    if not wrong and found is not None:
        plants, names = found["plants"], len(SOUND)
        print(
            f"self-check: PyTorch agrees with itself on {names} names, {plants} planted faults "
            "and a crash were all seen",
            flush=True,
        )
    return not wrong


if __name__ == "__main__":
    from .broken import PLANTS

    print(json.dumps({"wrong": _sound_and_seen(), "plants": len(PLANTS)}))
