# The one door to the benchmarks: `make bench`, `make bench ARGS="overhead --rounds 5"`, SUITE=growth make bench.
"""Runs suites, prints their tables and writes out/bench-SUITE.json."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import growth  # noqa: E402
import measure  # noqa: E402

SUITES = ("overhead", "rows", "training", "growth")


def arguments() -> argparse.Namespace:
    """What the command line and SUITE ask for."""
    parser = argparse.ArgumentParser(description="speed against PyTorch, and how time grows")
    chosen = os.environ.get("SUITE", "").split()
    parser.add_argument("suites", nargs="*", default=chosen or SUITES, help=", ".join(SUITES))
    parser.add_argument("--rounds", type=int, default=11, help="rounds that count, of each library")
    parser.add_argument("--span", type=float, default=0.02, help="seconds that a round takes")
    parser.add_argument("--only", default="", help="workloads whose names contain this")
    parser.add_argument("--ours", default=sys.executable, help="the interpreter that has tapeless")
    parser.add_argument("--theirs", default=sys.executable, help="the interpreter that has PyTorch")
    given = parser.parse_args()
    unknown = set(given.suites) - set(SUITES)
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    return given


def write(suite: str, result: Any) -> None:
    """Keeps a result beside the others."""
    folder = HERE.parent / "out"
    folder.mkdir(exist_ok=True)
    (folder / f"bench-{suite}.json").write_text(json.dumps(result, indent=1) + "\n")


def main() -> None:
    """Runs what was asked for."""
    given = arguments()
    for suite in given.suites:
        if suite == "growth":
            rows = growth.measure(importlib.import_module("tapeless"))
            print(growth.table(rows))
            write(suite, rows)
            continue
        result = measure.compare(
            suite, given.ours, given.theirs, given.rounds, given.span, lambda name: given.only in name
        )
        print(measure.table(result))
        write(suite, result)


if __name__ == "__main__":
    main()
