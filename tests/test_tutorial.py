"""The tutorial's three programs run as printed, and its page shows them, with the pictures of their own graphs."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import pictures

ROOT = Path(__file__).resolve().parent.parent
TUTORIAL = ROOT / "examples" / "tutorial"
PAGE = (ROOT / "docs" / "tutorial.md").read_text()

PRINTED = {
    1: """\
from torch.autograd import Variable

x, prev_h = Variable(torch.randn(1, 10)), Variable(torch.randn(1, 20))
W_h, W_x = Variable(torch.randn(20, 20)), Variable(torch.randn(20, 10))
i2h = torch.matmul(W_x, x.t())
h2h = torch.matmul(W_h, prev_h.t())
(i2h + h2h).tanh().sum().backward()
""",
    2: """\
import torch
my_tnsr = torch.Tensor(6.7)
my_tnsr
""",
    3: """\
import torch

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
""",
}


def run(*arguments, **settings):
    """The lines that the runner prints; it must end well and say nothing else."""
    command = [sys.executable, "-m", "tapeless", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **settings)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("number", PRINTED)
def test_a_program_stands_as_printed_and_runs(number):
    file = TUTORIAL / f"program{number}.py"
    body = file.read_text().split('"""\n', 1)[1].lstrip("\n")
    ahead = "import torch\n" if number == 1 else ""
    assert body == ahead + PRINTED[number], "a printed program is kept letter for letter"
    assert run(file) == []


AFTER = {
    1: ("[tuple(v.grad.shape) for v in (x, prev_h, W_h, W_x)]", "[(1, 10), (1, 20), (20, 20), (20, 10)]"),
    2: ("my_tnsr, my_tnsr.shape, my_tnsr.dtype", "(tensor(6.7000), torch.Size([]), torch.float32)"),
    3: ("torch.allclose(a.grad, -(x3 * x1 + x4 * x2)), torch.allclose(x3.grad, -b)", "(True, True)"),
}


@pytest.mark.parametrize("number", AFTER)
def test_a_program_computes_what_it_should(number):
    question, answer = AFTER[number]
    text = (TUTORIAL / f"program{number}.py").read_text()
    assert run("-", input=f"{text}\nprint(({question}))\n") == [answer]


def test_the_prompt_shows_the_second_programs_tensor():
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "tapeless"]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True) as process:
        os.close(slave)
        os.write(master, PRINTED[2].encode() + b"exit()\n")
        shown = b""
        while chunk := read(master):
            shown += chunk
    assert process.returncode == 0 and "tensor(6.7000)" in shown.decode()


def read(terminal):
    """What the terminal shows next; nothing once its other end is closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_the_page_shows_the_programs_as_they_are():
    assert PRINTED[1] in PAGE and PRINTED[3] in PAGE
    assert all(f">>> {line}\n" in PAGE for line in PRINTED[2].splitlines())


def test_the_page_says_what_its_blocks_print():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    said = [re.search(r"  # (.*)", line)[1] for block in blocks for line in block.splitlines() if "print(" in line]
    assert len(said) == 7 and run("-", input="".join(blocks)) == said


@pytest.mark.parametrize("name", sorted(pictures.programs()))
def test_a_picture_is_that_of_its_program(name):
    drawn = pictures.picture(*pictures.programs()[name])
    assert f"(pictures/{name})" in PAGE
    assert (ROOT / "docs" / "pictures" / name).read_text() == drawn, "run `make pictures`"
