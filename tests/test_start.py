"""What a program pays for `import tapeless`, and that the programs printed in the documentation run."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

import tapeless

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = pathlib.Path(tapeless.__file__).parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def run(program, *options, **settings):
    """What `program` prints in an interpreter that gets no more environment than it needs."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE.parent), **settings.pop("environment", {})}
    result = subprocess.run(
        [sys.executable, *options, "-c", program],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment,
        **settings,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_loads_no_numpy_and_no_openblas_and_starts_no_thread():
    out = run("""
import sys, tapeless, os
print("numpy" in sys.modules, len(os.listdir("/proc/self/task")), "openblas" in open("/proc/self/maps").read().lower())
x = tapeless.ones(3, requires_grad=True)
(x * 2).sum().backward()
print("numpy" in sys.modules, len(os.listdir("/proc/self/task")), "openblas" in open("/proc/self/maps").read().lower())
""")
    assert out.splitlines() == ["False 1 False"] * 2


def test_it_works_with_an_empty_home_and_nowhere_to_write(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    program = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # No file can grow, whoever runs this.
import tapeless as torch
x = torch.randn(64, 64, requires_grad=True)
(x @ x).tanh().sum().backward()
print(x.grad.shape)
"""
    home.chmod(0o500)
    try:
        out = run(program, "-B", cwd=home, environment={"HOME": str(home), "TMPDIR": str(home)})
    finally:
        home.chmod(0o700)
    assert out == "torch.Size([64, 64])\n"
    assert list(home.iterdir()) == []


def test_the_extension_is_small():
    extension = importlib.util.find_spec("tapeless._core").origin
    assert pathlib.Path(extension).stat().st_size <= 10 * 2**20


def blocks():
    """Every block of Python in the pages, with the page and the line where it begins."""
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(r"```python\n(.*?)```", text, re.DOTALL):
            yield page, text[: match.start()].count("\n") + 2, match.group(1)


BLOCKS = list(blocks())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_one_after_another(page, tmp_path):
    # Blank lines before each block make a traceback name the page's own line.
    program = ""
    for _, line, text in (block for block in BLOCKS if block[0] == page):
        program += "\n" * (line - 1 - program.count("\n")) + text
    run(program, "-m", "tapeless", cwd=tmp_path)  # Pages say `import torch` or `import tapeless as torch`.


def test_the_readmes_example_prints_a_gradient():
    text = next(text for page, _, text in BLOCKS if page.name == "README.md")
    out = run(text)
    assert out.startswith("tensor([[")
    assert out.count("\n") == 5
