"""Every C++ test program of tests/cpp passes; they are linked against the core, without Python."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.object_code import BUILD
from tests.source_code import files

PROGRAMS = [path.stem for path in files("tests/cpp/test_*.cpp")]


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the programs, brought up to date."""
    assert (BUILD / "CMakeCache.txt").exists(), f"{BUILD}: nothing is built there; run `make build`"
    beside = Path(sys.executable).parent / "cmake"
    cmake = str(beside) if beside.exists() else shutil.which("cmake")
    assert cmake, "cmake: not found beside Python nor on the path; run `make test`"
    done = subprocess.run(
        [cmake, "--build", str(BUILD), "--target", "cpp_tests"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return BUILD / "cpp_tests"


def test_there_are_programs():
    assert PROGRAMS, "tests/cpp holds no test_*.cpp"


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str, built: Path):
    done = subprocess.run([str(built / program)], capture_output=True, text=True)
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"exit status {done.returncode}\n{output}"
    last = re.findall(r"(\d+) passed, (\d+) failed", output)
    assert last, f"{program} did not print `N passed, M failed`:\n{output}"
    passed, failed = map(int, last[-1])
    assert failed == 0 and passed > 0, output
