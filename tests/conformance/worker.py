"""One worker process: runs names one by one and writes a JSON line for each."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

import torch
from torch.testing._internal.common_methods_invocations import op_db

from .cases import Case, Comparison
from .compare import Reason, brief
from .faults import excuse_for
from .library import Library

DTYPES = ("float32", "float64", "complex128", "bfloat16", "int64", "bool")
# More samples than this of one name in one dtype are left out, and the run says so.
LARGEST_SAMPLE_COUNT = 400
# How many differing groups of reasons a name reports.
GROUPS_SHOWN = 8


def infos() -> dict[str, Any]:
    """PyTorch's operator database by full name."""
    return {info.full_name: info for info in op_db}


def _samples(info: Any, dtype: torch.dtype, reference: bool) -> Iterator[Any]:
    differentiable = dtype in info.supported_backward_dtypes("cpu") and info.supports_autograd
    draw = info.reference_inputs if reference else info.sample_inputs
    return iter(draw("cpu", dtype, requires_grad=differentiable))


class Record:
    """What one name came to, as a JSON-ready dictionary under construction."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.samples = self.agree = 0
        self.excused: Counter[str] = Counter()
        self.groups: Counter[tuple[str, str]] = Counter()
        self.examples: dict[tuple[str, str], str] = {}
        self.left_out: Counter[str] = Counter()
        self.notes: list[str] = []
        self.began = time.perf_counter()

    def add(self, case: Case) -> None:
        """Counts one finished case."""
        if not case.compared:
            self.left_out[case.left_out] += 1
            return
        self.samples += 1
        fault = excuse_for(case) if case.reasons else None
        if fault is not None:
            self.excused[fault.name] += 1
        elif case.reasons:
            for reason in dict.fromkeys(case.reasons):
                self.fail(reason, case.label)
        else:
            self.agree += 1

    def fail(self, reason: Reason, label: str) -> None:
        """Files one reason with those that read alike but for their numbers."""
        key = (reason.stage, re.sub(r"[-+]?\d[\d.e+-]*j?", "#", reason.text)[:60])
        self.groups[key] += 1
        self.examples.setdefault(key, f"{label}: {reason.text}")

    def finished(self) -> dict[str, Any]:
        """The record as the parent reads it."""
        groups = [(count, key[0], self.examples[key]) for key, count in self.groups.most_common(GROUPS_SHOWN)]
        return {
            "name": self.name,
            "samples": self.samples,
            "agree": self.agree,
            "excused": dict(self.excused),
            "groups": groups,
            "more": len(self.groups) - len(groups),
            "left_out": dict(self.left_out),
            "notes": self.notes,
            "seconds": round(time.perf_counter() - self.began, 2),
        }


class Worker:
    """Compares one subject with PyTorch, name by name."""

    def __init__(
        self,
        subject: str,
        dtypes: tuple[str, ...],
        progress: str | None = None,
        reference: bool = False,
    ) -> None:
        self.oracle, self.subject = Library("torch"), Library(subject)
        self.dtypes, self.reference = dtypes, reference
        self.infos = infos()
        self.progress = os.open(progress, os.O_WRONLY) if progress else None

    def measure(self, name: str) -> dict[str, Any]:
        """Runs every sample of one name."""
        record = Record(name)
        info = self.infos.get(name)
        if info is None:
            record.fail(Reason("name", "PyTorch has no OpInfo of this name"), name)
            return record.finished()
        for dtype_name in self.dtypes:
            dtype = getattr(torch, dtype_name)
            if info.supports_dtype(dtype, "cpu"):
                self._run_dtype(record, info, dtype_name, dtype)
        self._run_errors(record, info)
        if not record.samples:
            record.fail(Reason("samples", "no sample was compared"), name)
        return record.finished()

    def _run_dtype(self, record: Record, info: Any, dtype_name: str, dtype: torch.dtype) -> None:
        torch.manual_seed(0)  # the samples of a name are the same whatever ran before
        for index, sample in enumerate(_samples(info, dtype, self.reference)):
            if index == LARGEST_SAMPLE_COUNT:
                record.notes.append(f"{dtype_name}: only the first {index} samples")
                break
            self._run_case(record, Case(info, dtype_name, index, sample))

    def _run_errors(self, record: Record, info: Any) -> None:
        if info.error_inputs_func is None:
            return
        torch.manual_seed(0)
        for index, entry in enumerate(info.error_inputs("cpu")):
            self._run_case(record, Case(info, "error", index, entry.sample_input, is_error=True))

    def _run_case(self, record: Record, case: Case) -> None:
        self._note(f"{case.name} {case.label}")
        comparison = Comparison(self.oracle, self.subject, case)
        try:
            if case.is_error:
                comparison.run_error()
            else:
                comparison.run()
        except Exception as error:  # a fault of the harness must not pass for agreement
            case.compared = True
            case.reasons.append(Reason("harness", brief(error)))
        record.add(case)

    def _note(self, text: str) -> None:
        if self.progress is not None:
            os.pwrite(self.progress, text.encode().ljust(120)[:120], 0)


def serve(options: dict[str, Any]) -> None:
    """Measures the names asked for and writes their records to the first standard output."""
    out: TextIO = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints goes to standard error
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    worker = Worker(options["subject"], tuple(options["dtypes"]), options["progress"], options["reference"])
    for name in options["names"]:
        print(json.dumps({"start": name}), file=out, flush=True)
        print(json.dumps(worker.measure(name)), file=out, flush=True)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
