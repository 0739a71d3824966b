"""The command `python -m tests.conformance.examples`: the programs of examples/ under PyTorch and under Tapeless.

Each trains for 50 steps from the same seed, once as `python program.py` and once as `python -m tapeless program.py`;
the losses of every step have to agree to 1e-4 of their size.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
STEPS, TOLERANCE, LIMIT_SECONDS = 50, 1e-4, 300
# What trains nothing.
SHARED = "progress"


def programs() -> list[Path]:
    """The examples that train."""
    return sorted(path for path in EXAMPLES.glob("*.py") if path.stem != SHARED)


def losses(program: Path, command: list[str], folder: Path) -> list[float]:
    """What one run wrote; the end of its complaints where it failed."""
    file = folder / "losses"
    line = [sys.executable, *command, str(program), f"--steps={STEPS}", f"--losses={file}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-600:])
    return [float(loss) for loss in file.read_text().split()]


def compare(program: Path) -> tuple[bool, str]:
    """Whether both curves agree, and the line that says how."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        try:
            expected = losses(program, [], Path(folder))
            middle = time.perf_counter()
            found = losses(program, ["-m", "tapeless"], Path(folder))
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            return False, f"did not run: {error}"
        seconds = f"({middle - begin:.1f} s, {time.perf_counter() - middle:.1f} s)"
    if len(expected) != STEPS or len(found) != STEPS:
        return False, f"{len(expected)} and {len(found)} losses instead of {STEPS}"
    worst = max(abs(a - b) / max(abs(a), 1e-12) for a, b in zip(expected, found, strict=True))
    return worst <= TOLERANCE, f"largest relative difference {worst:.1e} {seconds}"


def main() -> int:
    """Prints a line for each example and one for all; 1 if a curve differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.examples", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="names of examples; all of them by default")
    names = parser.parse_args().names
    chosen = [program for program in programs() if not names or program.stem in names]
    agreeing = 0
    for program in chosen:
        agrees, text = compare(program)
        agreeing += agrees
        print(f"{program.stem:24} {'' if agrees else 'DIFFERS: '}{text}", flush=True)
    print(f"examples: {len(chosen)} trained {STEPS} steps, {agreeing} loss curves agree to {TOLERANCE:g}")
    return 0 if chosen and agreeing == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
