"""Starts a worker process per setting, restarts it after a crash, and adds up what they report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The deferral settings under which everything is compared.
SETTINGS: tuple[dict[str, str], ...] = ({"TAPELESS_DEFER_MIN": "0"}, {"TAPELESS_FUSION": "0"})
LARGEST_PROCESS_COUNT = 2
# A name that takes longer hangs: its worker is ended and the name fails.
LONGEST_SECONDS_PER_NAME = 300
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Plan:
    """What a run compares."""

    subject: str
    dtypes: Sequence[str]
    names: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    reference: bool = False


def describe(setting: dict[str, str]) -> str:
    """`TAPELESS_FUSION=0`, or `default` for no setting at all."""
    return " ".join(f"{key}={value}" for key, value in setting.items()) or "default"


def _failed(name: str, stage: str, text: str) -> dict[str, Any]:
    return {
        "name": name, "samples": 0, "agree": 0, "excused": {}, "groups": [(1, stage, text)],
        "more": 0, "left_out": {}, "notes": [], "seconds": 0.0,
    }  # fmt: skip


def _ending(code: int) -> str:
    if code >= 0:
        return f"the worker exited with status {code}"
    if -code == signal.SIGKILL:
        return f"the worker was killed (a name may take {LONGEST_SECONDS_PER_NAME} s)"
    return f"the worker died of {signal.Signals(-code).name}"


class Session:
    """The workers of one setting, one after another until every name has a record."""

    def __init__(self, plan: Plan, setting: dict[str, str], report: Callable[..., None]) -> None:
        self.plan, self.setting, self.report = plan, setting, report
        self.records: list[dict[str, Any]] = []

    def run(self) -> list[dict[str, Any]]:
        """The records of all names, in order."""
        left = list(self.plan.names)
        while left:
            done = len(self.records)
            started, ending = self._run_worker(left)
            left = left[len(self.records) - done :]
            # A worker that could not even begin would not begin for the next name either.
            lost = left[:1] if started else left
            for name in lost:
                self._keep(_failed(name, "crash", ending))
            left = left[len(lost) :]
        return self.records

    def _keep(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        self.report(self.setting, record)

    def _run_worker(self, names: list[str]) -> tuple[bool, str]:
        """Runs one worker until it ends: whether it began a name, and how and where it ended."""
        started = False
        with tempfile.NamedTemporaryFile() as progress, tempfile.TemporaryFile() as errors:
            process = self._start(names, progress.name, errors)
            assert process.stdout is not None
            guard = self._guard(process)
            for line in process.stdout:
                guard.cancel()
                guard = self._guard(process)
                message = json.loads(line)
                started = True
                if "start" not in message:
                    self._keep(message)
            guard.cancel()
            code = process.wait()
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip().splitlines()[-1:]
            at = Path(progress.name).read_text().strip()
        last = f": {words[0][:160]}" if words and code > 0 else ""
        return started, f"{_ending(code)} at {at or 'its start'}{last}"

    def _start(self, names: list[str], progress: str, errors: Any) -> subprocess.Popen[str]:
        options = {
            "subject": self.plan.subject,
            "dtypes": list(self.plan.dtypes),
            "progress": progress,
            "names": names,
            "reference": self.plan.reference,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.worker", json.dumps(options)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **self.plan.environment, **self.setting},
        )

    @staticmethod
    def _guard(process: subprocess.Popen[str]) -> threading.Timer:
        guard = threading.Timer(LONGEST_SECONDS_PER_NAME, process.kill)
        guard.daemon = True
        guard.start()
        return guard


def run(
    plan: Plan, settings: Sequence[dict[str, str]], report: Callable[..., None]
) -> list[tuple[dict[str, str], list[dict[str, Any]]]]:
    """The records of every setting, at most two workers at a time."""
    lock = threading.Lock()

    def safely(setting: dict[str, str], record: dict[str, Any]) -> None:
        with lock:
            report(setting, record)

    with ThreadPoolExecutor(LARGEST_PROCESS_COUNT) as pool:
        runs = [pool.submit(Session(plan, setting, safely).run) for setting in settings]
        return [(setting, run.result()) for setting, run in zip(settings, runs, strict=True)]
