# Fair timing of two libraries: a process each, one thread each, rounds in turn, the ratio of the medians.
"""Shared by the suites beside it.

A suite is a module with `workloads(torch)`, a dict from a name to a function without arguments, and
`TARGETS`, a dict from a name to the ratio that is wanted. `compare` starts a worker process per
library; `python measure.py SUITE LIBRARY` is that worker.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TAPELESS_NUM_THREADS"), "1"
)


def seconds(function: Callable[[], Any], number: int) -> float:
    """The time of one call, out of `number` calls in a row, with the collector on as programs run."""
    turns = range(number)
    start = time.perf_counter()
    for _ in turns:
        function()
    return (time.perf_counter() - start) / number


def calibrate(function: Callable[[], Any], span: float) -> int:
    """How many calls take about `span` seconds.

    The first call is not counted: it may load a library (PyTorch's first gelu takes 0.4 s in oneDNN), and a round would
    then be a single call.
    """
    function()
    number, taken = 1, 0.0
    while taken < span / 4:
        number *= 2
        taken = seconds(function, number) * number
    return max(1, int(number * span / taken))


def serve(suite: str, library: str) -> None:
    """The worker: a line of JSON asks for a workload's round, a line of JSON answers."""
    torch = importlib.import_module(library)
    torch.set_num_threads(1)
    workloads = importlib.import_module(suite).workloads(torch)
    print(json.dumps({"workloads": list(workloads), "version": torch.__version__}), flush=True)
    numbers: dict[str, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["workload"]
        function = workloads[name]
        if name not in numbers:
            numbers[name] = calibrate(function, request["span"])
        print(json.dumps({"seconds": seconds(function, numbers[name])}), flush=True)


class Worker:
    """One library in a process of its own."""

    def __init__(self, python: str, suite: str, library: str) -> None:
        self.process = subprocess.Popen(
            [python, str(HERE / "measure.py"), suite, library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **THREADS},
        )
        self.hello = self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise SystemExit(f"bench: {' '.join(map(str, self.process.args))} ended early")
        return json.loads(line)

    def round(self, workload: str, span: float) -> float:
        """Seconds per call in one round of about `span` seconds."""
        stdin = self.process.stdin
        stdin.write(json.dumps({"workload": workload, "span": span}) + "\n")
        stdin.flush()
        return self._answer()["seconds"]

    def close(self) -> None:
        """Lets the worker end."""
        self.process.stdin.close()
        self.process.wait()


def _rounds(workers: list[Worker], name: str, rounds: int, span: float) -> list[list[float]]:
    """Each worker's times, in turn; the first round of each is for warming up."""
    times: list[list[float]] = [[] for _ in workers]
    for _ in range(rounds + 1):
        for worker, kept in zip(workers, times, strict=True):
            kept.append(worker.round(name, span))
    return [kept[1:] for kept in times]


def compare(
    suite: str, ours: str, theirs: str, rounds: int, span: float, wanted: Callable[[str], bool]
) -> dict[str, Any]:
    """The medians of both libraries for every workload of a suite; `ours`, `theirs`: interpreters."""
    targets = importlib.import_module(suite).TARGETS
    workers = [Worker(ours, suite, "tapeless"), Worker(theirs, suite, "torch")]
    rows = []
    for name in filter(wanted, workers[0].hello["workloads"]):
        times = _rounds(workers, name, rounds, span)
        mine, other = (statistics.median(kept) * 1e9 for kept in times)
        rows.append(
            {
                "workload": name,
                "ours_ns": round(mine, 1),
                "pytorch_ns": round(other, 1),
                "ratio": round(other / mine, 2),
                "target": targets.get(name),
            }
        )
    for worker in workers:
        worker.close()
    versions = [worker.hello["version"] for worker in workers]
    return {"suite": suite, "tapeless": versions[0], "pytorch": versions[1], "rounds": rounds, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """A result of `compare` as text."""
    lines = [f"{'workload':44}{'ours ns':>12}{'PyTorch ns':>12}{'ratio':>8}{'target':>8}"]
    for row in result["rows"]:
        target = row["target"]
        mark = "" if target is None else f">={target:g}" + ("" if row["ratio"] >= target else " !")
        lines.append(
            f"{row['workload']:44}{row['ours_ns']:12.0f}{row['pytorch_ns']:12.0f}{row['ratio']:8.1f}{mark:>8}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    serve(*sys.argv[1:])
