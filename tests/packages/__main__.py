"""The command `python -m tests.packages`: packages of PyPI on Tapeless, against PyTorch; writes docs/compatibility.md.

Each program of programs/ bears the name of the package that it uses. It runs twice, each time in a process of its
own: under PyTorch and under `python -m tapeless`; the numbers that come back have to agree. `make packages`
installs the packages, without PyTorch, in an environment of their own.
"""

import argparse
import importlib.metadata
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TOLERANCE = 1e-4  # Relative, with as much absolute: what the examples' loss curves keep as well.
LIMIT_SECONDS = 300
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # Threads that wait for one another on a busy machine would decide the times.
NOT_RUN = "did not run: "
# What a package's own name is where a program's file cannot bear it, and what it stands on that is worth naming.
DISTRIBUTIONS = {
    "pytorch_metric_learning": ("pytorch-metric-learning",),
    "stable_baselines3": ("stable-baselines3", "gymnasium"),
    "gpytorch": ("gpytorch", "linear_operator"),
    "skorch": ("skorch", "scikit-learn"),
    "pytorch_ignite": ("pytorch-ignite",),
    "pytorch_msssim": ("pytorch-msssim",),
    "timm": ("timm", "torchvision"),
    "torchmin": ("pytorch-minimize",),
    "vit_pytorch": ("vit-pytorch", "torchvision"),
    "x_transformers": ("x-transformers",),
}
# Tests that packages bring along, as arguments of pytest.
SUITES = {
    "einops": ("--pyargs", "einops.tests"),
    "opt_einsum": ("--pyargs", "opt_einsum.tests"),
    "skorch": ("--pyargs", "skorch.tests", "-k", "not distributed and not llm and not hf and not Shot"),
}
SETTINGS = {"EINOPS_TEST_BACKENDS": "numpy,torch", "TAPELESS_AS_TORCH": "1"}
SUITE_SECONDS = 900
TESTS = """
## Their own tests

Of the tests that pass under PyTorch, how many pass under `python -m tapeless -m pytest`, and which do not. Left out of
skorch's are those of other packages (transformers) and of `torch.distributed`.

| package | tests | which do not |
|---|---|---|
"""
HEAD = """# Packages that run

Written by `make packages`, which runs the programs of `tests/packages/programs` with the packages as PyPI has them,
under PyTorch {torch} and under `python -m tapeless`, and compares every number that they return (to {tolerance:g}
relative).
The ratio is the time of a second call under PyTorch over that under Tapeless, both with one thread: more than 1 means
that ours was faster.

| package | what ran | agreement | PyTorch / ours |
|---|---|---|---|
"""


class Outcome(NamedTuple):
    """What came of one program: a line of the page."""

    packages: str
    what: str
    agreement: str
    ratio: str
    good: bool

    def line(self) -> str:
        """The row of the table."""
        return f"| {self.packages} | {self.what} | {self.agreement} | {self.ratio} |\n"


def run(program: Path, command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """What the worker prints of a program."""
    line = [*command, str(HERE / "worker.py"), str(program)]
    try:
        done = subprocess.run(
            line,
            capture_output=True,
            text=True,
            env={**os.environ, **ONE_THREAD, **environment},
            timeout=LIMIT_SECONDS,
            check=False,
        )
        return json.loads(done.stdout.rpartition("\n{")[2].join(("{", "")))
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {LIMIT_SECONDS} s"}
    except json.JSONDecodeError:
        return {"error": f"exit status {done.returncode}: {done.stderr.strip()[-300:]}", "traceback": done.stderr}


def leaves(value: Any) -> list[Any]:
    """All numbers and texts of a value, in order."""
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def same(expected: Any, given: Any) -> bool:
    """Whether two numbers are close, or two texts equal but for the numbers in them."""
    if isinstance(expected, str) or isinstance(given, str):
        return str(expected) == str(given)
    if math.isnan(expected) or math.isinf(expected):
        return str(float(expected)) == str(float(given))
    return abs(expected - given) <= TOLERANCE * (1 + abs(expected))


def disagreements(expected: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """The names of the values that differ, in size or in a number."""
    found = []
    for name in {**expected, **given}:
        left, right = leaves(expected.get(name, [])), leaves(given.get(name, []))
        if len(left) != len(right) or not all(map(same, left, right)):
            found.append(name)
    return found


def versions(program: str) -> str:
    """The packages that a program is about, with the versions installed."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in DISTRIBUTIONS.get(program, (program,)))


def judge(program: Path, peer: list[str], peer_environment: dict[str, str], verbose: bool) -> Outcome:
    """Runs a program both ways and compares."""
    what = re.match(r"# [^:]*: (.*)\.\n", program.read_text()).group(1)
    theirs = run(program, peer, peer_environment)
    ours = run(program, [sys.executable, "-m", "tapeless"], {})
    if verbose and "traceback" in ours:
        print(ours["traceback"])
    if "error" in theirs:
        agreement = f"not comparable, PyTorch: {theirs['error']}"
    elif "error" in ours:
        agreement = NOT_RUN + ours["error"]
    else:
        different = disagreements(theirs["values"], ours["values"])
        agreement = f"differs in {', '.join(different)}" if different else f"all {len(theirs['values'])} values"
        ratio = f"{theirs['seconds'] / ours['seconds']:.2f}"
        return Outcome(versions(program.stem), what, agreement, ratio, not different)
    return Outcome(versions(program.stem), what, agreement.replace("|", "/").replace("\n", " "), "", False)


def passed(suite: tuple[str, ...], command: list[str], environment: dict[str, str]) -> set[str]:
    """The names of the tests that pass."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
        line = [*command, *options, *suite, f"--junitxml={report}"]
        # Some tests start "python", which has to be this one.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        everything = {**os.environ, **SETTINGS, "PATH": path, **environment}
        subprocess.run(line, cwd=folder, env=everything, timeout=SUITE_SECONDS, capture_output=True, check=False)
        cases = ElementTree.parse(report).iter("testcase")
        bad = {"failure", "error", "skipped"}
        return {f"{case.get('classname')}.{case.get('name')}" for case in cases if not bad & {x.tag for x in case}}


def run_suite(package: str, peer_environment: dict[str, str]) -> str:
    """The row of a package's own tests."""
    suite = SUITES[package]
    expected = passed(suite, [sys.executable], peer_environment)
    found = passed(suite, [sys.executable, "-m", "tapeless"], {}) & expected
    missing = sorted(name.rpartition("tests.")[2] for name in expected - found)
    print(f"{package}'s own tests: {len(found)} of {len(expected)}; not: {', '.join(missing) or 'none'}", flush=True)
    return f"| {package} | {len(found)} of {len(expected)} | {', '.join(missing)} |\n"


def main() -> int:
    """Prints and writes the page; 1 if something that is said to run does not."""
    parser = argparse.ArgumentParser(prog="python -m tests.packages", description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", help="names of programs; all of them by default")
    parser.add_argument("--torch", required=True, help="the folder of packages that holds PyTorch")
    parser.add_argument("--page", type=Path, help="where the page goes; nowhere by default")
    parser.add_argument("--verbose", action="store_true", help="print the tracebacks of what did not run")
    options = parser.parse_args()
    peer_environment = {"PYTHONPATH": str(Path(options.torch).resolve())}  # Tests run in a folder of their own.
    programs = sorted((HERE / "programs").glob("*.py"))
    chosen = [program for program in programs if not options.programs or program.stem in options.programs]
    outcomes = []
    for program in chosen:
        outcomes.append(judge(program, [sys.executable], peer_environment, options.verbose))
        print(f"{outcomes[-1].packages:42} {outcomes[-1].agreement}  {outcomes[-1].ratio}", flush=True)
    good = sum(outcome.good for outcome in outcomes)
    print(f"packages: {good} of {len(outcomes)} run and agree with PyTorch")
    suites = [run_suite(package, peer_environment) for package in SUITES if package in options.programs or options.page]
    if options.page:
        (torch,) = importlib.metadata.distributions(name="torch", path=[options.torch])
        head = HEAD.format(torch=torch.version, tolerance=TOLERANCE)
        tail = f"\n{good} of {len(outcomes)} run and agree.\n"
        lines = "".join(outcome.line() for outcome in outcomes)
        options.page.write_text(head + lines + tail + TESTS + "".join(suites))
    return 0 if good == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
