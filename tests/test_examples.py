"""Every example runs under the runner as it is, and what it trains gets better."""

import pathlib
import statistics
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
PROGRAMS = sorted(path for path in EXAMPLES.glob("*.py") if path.stem != "progress")
# Steps that are enough to see the loss fall; neither two networks in contest nor values that are being learned
# have a loss that falls.
STEPS = {"char_gpt": 12, "lstm_language_model": 12, "dqn": 400, "gan": 20, "lbfgs_curve_fit": 10}
WITHOUT_FALL = ("gan", "dqn")


def test_the_examples_are_there():
    assert len(PROGRAMS) >= 10


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_an_example_trains(program, tmp_path):
    steps, file = STEPS.get(program.stem, 60), tmp_path / "losses"
    line = [sys.executable, "-m", "tapeless", str(program), f"--steps={steps}", f"--losses={file}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    losses = [float(loss) for loss in file.read_text().split()]
    assert len(losses) == steps and f"step {steps:5}" in done.stdout
    part = max(1, steps // 5)
    if program.stem not in WITHOUT_FALL:
        assert statistics.mean(losses[-part:]) < statistics.mean(losses[:part])


def test_an_example_is_short_enough_to_read():
    assert {
        path.name: len(path.read_text().splitlines()) for path in PROGRAMS if len(path.read_text().splitlines()) > 150
    } == {}
