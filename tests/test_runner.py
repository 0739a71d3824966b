"""The runner: `python -m tapeless` runs a program as Python would, and `import torch` in it is Tapeless."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import tapeless


def run(*arguments: str, stdin: str = "", cwd: Path | None = None, python: tuple[str, ...] = (), **environment: str):
    """The finished process of `python -m tapeless ARGUMENTS`."""
    command = [sys.executable, *python, "-m", "tapeless", *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}, timeout=120
    )


def plain(*arguments: str, stdin: str = "", cwd: Path | None = None):
    """The finished process of `python ARGUMENTS`."""
    return subprocess.run(
        [sys.executable, *arguments], input=stdin, capture_output=True, text=True, cwd=cwd, timeout=120
    )


def output(*arguments: str, **settings: str) -> list[str]:
    """The lines that a run prints; it must end well and say nothing else."""
    done = run(*arguments, **settings)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def write(tmp_path):
    """Writes a program into the test's folder and gives its path."""

    def written(text: str, name: str = "program.py") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return written


# --- Names ---

IDENTITIES = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import autograd, Tensor
from torch.autograd import Variable
import tapeless
print(torch is tapeless, sys.modules["torch.nn"] is tapeless.nn is nn, F is nn.functional, Tensor is tapeless.Tensor)
print(torch.__name__, torch.__spec__.name, F.__name__, F.__spec__.name)
import functorch
print(functorch.vmap is torch.func.vmap)
"""


def test_torch_and_its_submodules_are_tapeless_modules_themselves(write):
    assert output(write(IDENTITIES)) == [
        "True True True True",
        "tapeless tapeless tapeless.nn.functional tapeless.nn.functional",
        "True",
    ]


def test_a_package_that_imports_torch_gets_tapeless(write, tmp_path):
    write("import torch.nn.functional as F\ndef f(x): return F.relu(x)\n", "package/__init__.py")
    assert output(write("import torch, package\nprint(package.f(torch.tensor([-1., 2.])))")) == ["tensor([0., 2.])"]


def test_torch_is_found_without_being_imported(write):
    text = """
import importlib.metadata as metadata, importlib.util, sys
spec = importlib.util.find_spec("torch")
print(spec.name, spec.origin.endswith("__init__.py"), "torch" in sys.modules)
print(metadata.version("torch"), metadata.distribution("torch").metadata["Name"])
import torch
print(torch.__version__ == metadata.version("torch"), torch.__version__)
"""
    found, distribution, version = output(write(text))
    assert found == "torch True False"
    assert distribution == f"{tapeless.__version__} torch"
    assert version.startswith("True 2.13.0+tapeless.")


def test_the_names_of_types_print_as_pytorchs(write):
    text = "import torch\nx = torch.ones(2, 3)\nprint(x.dtype, type(x), x.shape, x.device, type(x.dtype), x.type())"
    assert output(write(text)) == [
        "torch.float32 <class 'torch.Tensor'> torch.Size([2, 3]) cpu <class 'torch.dtype'> torch.FloatTensor"
    ]


def test_a_real_torch_that_is_imported_already_is_refused(write, tmp_path):
    write("__version__ = '1.0'", "site/torch.py")
    write("import torch", "site/sitecustomize.py")
    paths = os.pathsep.join([str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = run("-c", "print('ran')", PYTHONPATH=paths)
    assert done.returncode == 1 and done.stdout == ""
    assert "torch 1.0 of" in done.stderr and "already imported" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_torch_on_the_path_does_not_matter(write, tmp_path):
    write("raise SystemExit('the wrong torch')", "torch.py")
    assert output(write("import torch; print(torch.ones(1))")) == ["tensor([1.])"]


# --- As under plain Python ---

SEEN = """
import sys, __main__
print(sys.argv, __name__, [n for n in dir() if n not in ("sys", "__main__")], sys.path[0], __file__)
print(__main__ is sys.modules["__main__"], __spec__, type(__loader__).__name__, __package__, input())
"""


def test_a_program_sees_what_python_shows_it(write, tmp_path):
    path = write(SEEN)
    assert output(path, "a", "-b", stdin="line") == plain(path, "a", "-b", stdin="line").stdout.splitlines()


def test_a_program_given_by_a_link_finds_its_own_folder(write, tmp_path):
    target = write("import sys; print(sys.path[0], __file__)", "there/program.py")
    link = tmp_path / "link.py"
    link.symlink_to(target)
    assert output(str(link)) == plain(str(link)).stdout.splitlines()


def test_a_folder_with_a_main_runs(write, tmp_path):
    write("import sys, torch; print(sys.argv[1:], __name__, sys.path[0])", "folder/__main__.py")
    assert output(str(tmp_path / "folder"), "x") == [f"['x'] __main__ {tmp_path / 'folder'}"]


def test_a_module_runs_by_its_name(write, tmp_path):
    write("", "package/__init__.py")
    write("import sys, torch\nprint(sys.argv[1:], __name__, __spec__.name, torch.ones(1))", "package/tool.py")
    expected = ["['x'] __main__ package.tool tensor([1.])"]
    assert output("-m", "package.tool", "x", cwd=tmp_path) == expected
    assert output("-mpackage.tool", "x", cwd=tmp_path) == expected


def test_a_text_runs():
    assert output("-c", "import sys, torch; print(sys.argv, sys.path[0], torch.ones(1))", "x") == [
        "['-c', 'x']  tensor([1.])"
    ]


@pytest.mark.parametrize("dash", [("-", "x"), ()])
def test_standard_input_is_a_program(dash):
    assert output(*dash, stdin="import sys, torch\nprint(sys.argv, torch.ones(1))") == [
        f"{list(dash) or ['']} tensor([1.])"
    ]


ENDINGS = {
    "return": "pass",
    "status": "import sys; sys.exit(7)",
    "words": "raise SystemExit('words')",
    "error": "def f():\n    raise ValueError('what')\nf()",
    "chained": "def f():\n    1 / 0\ntry:\n    f()\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e",
    "syntax": "x = (1,\ny = 2\n",
    "interrupt": "raise KeyboardInterrupt",
    "signal": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(9)",
    "hook": "import sys\nsys.excepthook = lambda k, v, t: print(k, v, t.tb_frame.f_code.co_filename)\n1 / 0",
    "thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\nt.start(); t.join()",
    "exit": "import atexit\natexit.register(print, 'bye')\nraise ValueError",
}


@pytest.mark.parametrize("text", ENDINGS.values(), ids=ENDINGS)
def test_status_and_traceback_are_those_of_plain_python(write, text):
    path = write("import sys\n" + text)
    ours, pythons = run(path), plain(path)
    assert (ours.returncode, ours.stdout, ours.stderr) == (pythons.returncode, pythons.stdout, pythons.stderr)


def test_a_modules_traceback_is_that_of_plain_python(write, tmp_path):
    write("def f():\n    1 / 0\nf()", "failing.py")
    ours, pythons = run("-m", "failing", cwd=tmp_path), plain("-m", "failing", cwd=tmp_path)
    assert (ours.returncode, ours.stderr) == (pythons.returncode, pythons.stderr)


def test_a_missing_program_and_an_unknown_option_say_so(tmp_path):
    done = run("no_such.py", cwd=tmp_path)
    assert done.returncode == 2 and "can't open file" in done.stderr and "no_such.py" in done.stderr
    done = run("-W", "error", "program.py")
    assert done.returncode == 2 and "options of Python stand before `-m tapeless`" in done.stderr
    assert run("-m").returncode == run("-c").returncode == 2
    assert "usage:" in output("--help")[0] and tapeless.__version__ in output("--version")[0]


def test_pythons_own_options_are_pythons(write):
    done = run(write("import warnings\nwarnings.warn('careful')"), python=("-W", "error"))
    assert done.returncode == 1 and "UserWarning: careful" in done.stderr
    text = "import sys, torch; print(sys.flags.safe_path, torch.ones(1))"
    assert output("-c", text, python=("-P",)) == ["True tensor([1.])"]


def test_pytest_runs(write, tmp_path):
    write("import torch\ndef test_sum():\n    assert torch.ones(3).sum() == 3\n", "test_it.py")
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_prompt_shows_values():
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "tapeless"]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True) as process:
        os.close(slave)
        os.write(master, b"import torch\ntorch.Tensor(6.7)\n1 / 0\nexit(3)\n")
        shown = b""
        while chunk := _read(master):
            shown += chunk
    text = shown.decode()
    assert process.returncode == 3 and "tensor(6.7000)" in text and "`import torch` is Tapeless" in text
    assert "ZeroDivisionError" in text and "tapeless/" not in text and text.count("File") == 1


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # The other end was closed.
        return b""


# --- Child processes ---

CHILDREN = """
import multiprocessing, sys
import torch

class Mine:
    pass

def work(x, mine):
    import functorch
    assert type(mine) is Mine
    print(torch.__name__, torch.full((2,), x).sum().item(), flush=True)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    process = context.Process(target=work, args=(3, Mine()))
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_that_multiprocessing_starts_have_it_too(write, method):
    assert output(write(CHILDREN), method) == ["tapeless 6"]


SUBPROCESS = """
import subprocess, sys
print(subprocess.run([sys.executable, "-c", "import torch.nn; print(torch.__name__)"], capture_output=True, text=True))
"""


def test_subprocesses_have_it_where_the_environment_asks(write, tmp_path):
    path = write(SUBPROCESS)
    assert "returncode=0, stdout='tapeless" in output(path, TAPELESS_AS_TORCH="1")[0]
    assert "stdout='tapeless" not in output(path)[0]


# --- In a notebook ---

NOTEBOOK = """
import sys, tapeless
before = list(sys.path), list(sys.meta_path)
tapeless.install_as_torch()
tapeless.install_as_torch()
import torch, torch.nn.functional
print(torch is tapeless, len(sys.meta_path) - len(before[1]), len(sys.path) - len(before[0]))
tapeless.uninstall_as_torch()
print((sys.path, sys.meta_path) == before, [name for name in sys.modules if name.startswith("torch")])
sys.modules["torch"] = type(sys)("torch")
try:
    tapeless.install_as_torch()
except ImportError as error:
    print(error.name, "already imported" in str(error))
"""


def test_a_notebook_installs_and_uninstalls(write):
    assert plain(write(NOTEBOOK)).stdout.splitlines() == ["True 1 1", "True []", "torch True"]
