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
TUTORIAL = ROOT / "examples" / "tutorial"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def run(program, *options, **settings):
    """What `program` prints in an interpreter that gets no more environment than it needs."""
    environment = {"PATH": os.environ["PATH"], **settings.pop("environment", {})}
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


PROGRAM_1 = """\
x, prev_h = Variable(torch.randn(1, 10)), Variable(torch.randn(1, 20))
W_h, W_x = Variable(torch.randn(20, 20)), Variable(torch.randn(20, 10))
i2h = torch.matmul(W_x, x.t())
h2h = torch.matmul(W_h, prev_h.t())
(i2h + h2h).tanh().sum().backward()
"""
PROGRAM_3 = """\
a = torch.randn((5,5), requires_grad = True)
x1 = torch.randn((5,5), requires_grad = True)
x2 = torch.randn((5,5), requires_grad = True)
x3 = torch.randn((5,5), requires_grad = True)
x4 = torch.randn((5,5), requires_grad = True)
b = x1*a
c = x2*a
d = x3*b + x4*c
L = (10 -d).sum()
L.backward()
"""
IMPORTS = {
    1: "import tapeless as torch\nfrom tapeless.autograd import Variable\n",
    3: "import tapeless as torch\n",
}


@pytest.mark.parametrize(("number", "printed"), [(1, PROGRAM_1), (3, PROGRAM_3)])
def test_the_tutorials_program_stands_in_examples_as_printed_and_runs(number, printed):
    file = TUTORIAL / f"program{number}.py"
    text = file.read_text()
    body = text.split('"""\n', 1)[1].lstrip("\n")
    assert body == IMPORTS[number] + "\n" + printed, "a printed program is kept letter for letter"
    assert run(text) == ""


def test_the_first_program_gives_its_leaves_their_gradients():
    names = "x, prev_h, W_h, W_x"
    out = run(IMPORTS[1] + PROGRAM_1 + f"print([tuple(v.grad.shape) for v in ({names})])")
    assert out == "[(1, 10), (1, 20), (20, 20), (20, 10)]\n"


def test_the_third_program_gives_the_gradients_of_its_formula():
    out = run(IMPORTS[3] + PROGRAM_3 + "\nprint(float((a.grad + (x3 * x1 + x4 * x2)).abs().max()) < 1e-6)\n")
    assert out == "True\n"


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
    run(program, cwd=tmp_path)


def test_the_readmes_example_prints_a_gradient():
    text = next(text for page, _, text in BLOCKS if page.name == "README.md")
    out = run(text)
    assert out.startswith("tensor([[")
    assert out.count("\n") == 5
