"""The formulas' functions give the same bits at every ISA level: test_math.cpp, built for each."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.source_code import ROOT

FLAGS = "-std=c++20 -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off".split()
# What tells the levels apart on Linux; the rest of each level comes with these.
NEEDS = {2: {"sse4_2"}, 3: {"avx2", "fma"}, 4: {"avx512f", "avx512bw", "avx512dq", "avx512vl"}}


def cpu_flags() -> set[str]:
    """The processor's features by Linux's names; empty where they cannot be read."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())


@pytest.fixture(scope="module")
def compiler() -> str:
    """The C++ compiler: $CXX, or g++, or c++."""
    found = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    assert found, "no C++ compiler: set CXX"
    return found


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, compiler: str) -> dict[int, Path]:
    """One program per level that this processor has."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"ISA levels are those of x86-64; this is {platform.machine()}")
    folder = tmp_path_factory.mktemp("math")
    built = {}
    for level, needs in NEEDS.items():
        if missing := needs - cpu_flags():
            print(f"level v{level} is left out: the processor lacks {', '.join(sorted(missing))}")
            continue
        built[level] = folder / f"test_math_v{level}"
        source = str(ROOT / "tests/cpp/test_math.cpp")
        command = [compiler, *FLAGS, f"-march=x86-64-v{level}", f"-I{ROOT / 'core'}", source]
        done = subprocess.run([*command, "-o", str(built[level])], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return built


def bits(program: Path) -> list[str]:
    """One line per function and type: name and hash of all its results."""
    done = subprocess.run([str(program), "bits"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_every_level_gives_the_same_bits(programs: dict[int, Path]):
    if len(programs) < 2:
        pytest.skip(f"only levels {sorted(programs)} run here, so that there is nothing to compare")
    lines = {level: bits(program) for level, program in programs.items()}
    first = lines[min(lines)]
    assert len(first) >= 20, first
    for level, other in lines.items():
        assert other == first, f"v{level} differs from v{min(lines)}"


def test_errors_hold_at_every_level(programs: dict[int, Path]):
    for level, program in programs.items():
        done = subprocess.run([str(program)], capture_output=True, text=True)
        assert done.returncode == 0, f"v{level}:\n{done.stdout}{done.stderr}"
