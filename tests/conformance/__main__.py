"""The command: `python -m tests.conformance` compares Tapeless with PyTorch on names.txt."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import selfcheck
from .runner import SETTINGS, Plan, describe, run

NAMES = Path(__file__).with_name("names.txt")
DTYPES = ("float32", "float64", "complex128", "bfloat16", "int64", "bool")


def read_names(path: Path) -> list[str]:
    """The names of a list: one a line, `#` begins a comment."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def _candidates(given: Iterable[str]) -> list[str]:
    names: list[str] = []
    for item in given:
        names += read_names(Path(item)) if Path(item).is_file() else [item]
    return list(dict.fromkeys(names))


def failed(record: dict[str, Any]) -> bool:
    """Whether a name disagrees anywhere that no fault excuses."""
    return bool(record["groups"])


class Report:
    """Prints each name as it ends, and the sums at the end."""

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose

    def line(self, setting: dict[str, str], record: dict[str, Any]) -> None:
        """One finished name: a line when it agrees and the run is verbose, its reasons if not."""
        where = f"{record['name']} [{describe(setting)}]"
        for note in record["notes"]:
            print(f"capped {where}: {note}", flush=True)
        if not failed(record):
            if self.verbose:
                print(f"ok {where}: {record['agree']} samples, {record['seconds']} s", flush=True)
            return
        excused = sum(record["excused"].values())
        bad = record["samples"] - record["agree"] - excused
        print(f"FAIL {where}: {bad} of {record['samples']} samples disagree", flush=True)
        for count, stage, example in record["groups"]:
            print(f"    {stage} x{count}, e.g. {example[:230]}", flush=True)
        if record["more"]:
            print(f"    and {record['more']} further kinds of reasons", flush=True)

    def sums(self, results: list[tuple[dict[str, str], list[dict[str, Any]]]]) -> tuple[int, int]:
        """The closing lines; how many names passed and how many failed."""
        from .faults import FAULTS, LARGEST_EXCUSED_SHARE

        records = [record for _, kept in results for record in kept]
        excused: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        for record in records:
            excused.update(record["excused"])
            left_out.update(record["left_out"])
        for why, count in left_out.items():
            print(f"not compared: {count} samples: {why}")
        for fault in FAULTS:
            count = excused[fault.name]
            print(f"PyTorch fault: {fault.name}: {count} samples excused; {fault.reason}")
        names = list(dict.fromkeys(record["name"] for record in records))
        by_name: Counter[str] = Counter()
        for record in records:
            by_name[record["name"]] += sum(record["excused"].values())
        most = [f"{name} {count}" for name, count in by_name.most_common(12) if count]
        print(f"excused most, of both settings: {', '.join(most) or 'none'}")
        bad = {record["name"] for record in records if failed(record)}
        samples = sum(record["samples"] for record in records)
        agree = sum(record["agree"] for record in records)
        total = excused.total()
        share = total / samples if samples else 0.0
        print(
            f"conformance: {len(names)} names, {samples} samples, {agree} agree, "
            f"{total} excused ({share:.2%})"
        )
        too_many = share > LARGEST_EXCUSED_SHARE
        if too_many:
            print(f"conformance: more than {LARGEST_EXCUSED_SHARE:.0%} of the samples are excused")
        unused = [fault.name for fault in FAULTS if not excused[fault.name]]
        if unused:
            print(f"conformance: faults that excuse nothing: {', '.join(unused)}")
        return len(names) - len(bad), len(bad) + too_many


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    add = parser.add_argument
    add("--subject", default="tapeless", help="the module compared with PyTorch")
    add("--candidates", nargs="+", metavar="FILE_OR_NAME", help="measure these names instead")
    add("--grow", action="store_true", help="append to names.txt the candidates that agree")
    add("--dtypes", nargs="+", default=DTYPES, choices=DTYPES)
    add("--settings", nargs="+", metavar="NAME=VALUE", help="one run per setting, for these only")
    add("--verbose", action="store_true", help="a line for agreeing names too")
    add("--reference-inputs", action="store_true", help="PyTorch's longer lists of samples")
    add("--no-self-check", action="store_true", help="do not plant faults first")
    arguments = parser.parse_args()
    if arguments.grow and (arguments.settings or set(arguments.dtypes) != set(DTYPES)):
        parser.error("--grow needs every dtype and setting: leave --dtypes and --settings out")
    return arguments


def _measure_candidates(arguments: argparse.Namespace, plan: Plan, report: Report) -> int:
    results = run(plan, arguments.settings, report.line)
    report.sums(results)
    bad = {record["name"] for _, kept in results for record in kept if failed(record)}
    good = [name for name in plan.names if name not in bad]
    print(f"agree in all ({len(good)} of {len(plan.names)}): {' '.join(good)}")
    if arguments.grow:
        known = set(read_names(NAMES))
        new = [name for name in good if name not in known]
        with NAMES.open("a") as file:
            file.writelines(f"{name}\n" for name in new)
        print(f"names.txt grew by {len(new)}")
    return 0


def main() -> int:
    """Runs the self-check and the comparison; 0 only when every committed name agrees."""
    arguments = _arguments()
    given = arguments.settings
    arguments.settings = [dict([s.split("=", 1)]) for s in given] if given else list(SETTINGS)
    report = Report(arguments.verbose)
    if not arguments.no_self_check and not selfcheck.run_self_check():
        print("0 passed, 1 failed")
        return 1
    names = _candidates(arguments.candidates) if arguments.candidates else read_names(NAMES)
    plan = Plan(arguments.subject, arguments.dtypes, names, reference=arguments.reference_inputs)
    if arguments.candidates:
        return _measure_candidates(arguments, plan, report)
    if not names:
        print("conformance: names.txt holds no name\n0 passed, 1 failed")
        return 1
    passed, failures = report.sums(run(plan, arguments.settings, report.line))
    print(f"{passed} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
