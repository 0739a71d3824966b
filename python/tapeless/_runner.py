# The runner: a program, a module, a text or a prompt, in which `import torch` is Tapeless.
"""What `python -m tapeless` does.

The program gets what Python itself would give it: a `__main__` of its own, `sys.argv`, `sys.path[0]`, standard input,
its exit status, and tracebacks that begin with its own lines.
"""

import io
import os
import pkgutil
import runpy
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

from tapeless import __version__, _as_torch

USAGE = """\
usage: python [OPTIONS OF PYTHON] -m tapeless [program.py | -m module | -c text | -] [ARGUMENTS]

Runs a program written for PyTorch: `import torch` and `import functorch`, with all that is under them, are Tapeless,
for the program, for the packages that it imports, and for the processes that it forks or spawns. Without a program,
standard input is one; at a terminal, a prompt appears.

Options of Python, such as -W error, stand before -m tapeless.
  -h, --help       this text
  -V, --version    the version
Environment:
  TAPELESS_AS_TORCH=1   Python programs that the program starts as subprocesses run the same way
"""


def _fresh_main(**attributes: Any) -> dict[str, Any]:
    """A `__main__` without anything of ours in it; its names."""
    main = ModuleType("__main__")
    vars(main).update(__builtins__=sys.modules["builtins"], __annotations__={}, **attributes)
    sys.modules["__main__"] = main
    return vars(main)


def _first_on_path(folder: str) -> None:
    """Put the program's folder where `python -m` put the current one, unless Python was told to put none there."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _stop(text: str, status: int = 2) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(status)


def _code_of(path: str) -> CodeType:
    """The program's code, from its text or from a .pyc."""
    full = os.path.abspath(path)
    try:
        with io.open_code(full) as file:
            code = pkgutil.read_code(file)
            if code is None:
                file.seek(0)
                code = compile(file.read(), full, "exec", dont_inherit=True)
    except OSError as error:
        _stop(f"{sys.executable}: can't open file {full!r}: [Errno {error.errno}] {error.strerror}")
    return code


def _run_file(path: str) -> None:
    if pkgutil.get_importer(path) is not None:  # A folder or an archive with a __main__.py.
        _first_on_path(path)
        _fresh_main()
        runpy._run_module_as_main("__main__", alter_argv=False)
        return
    _first_on_path(os.path.dirname(os.path.realpath(path)))
    full = os.path.abspath(path)
    loader = SourceFileLoader("__main__", full)  # Finds the text for tracebacks and `inspect`.
    names = _fresh_main(__file__=full, __cached__=None, __loader__=loader)
    exec(_code_of(path), names)


def _run_module(name: str) -> None:
    _fresh_main()
    runpy._run_module_as_main(name)


def _run_text(text: str | bytes, filename: str) -> None:
    _first_on_path("")
    names = _fresh_main()
    exec(compile(text, filename, "exec", dont_inherit=True), names)


def _prompt() -> None:
    import code

    _first_on_path("")
    names = _fresh_main()
    if hasattr(sys, "__interactivehook__"):
        sys.__interactivehook__()
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and not sys.flags.ignore_environment:
        exec(_code_of(startup), names)
    banner = f"Python {sys.version} on {sys.platform}\nTapeless {__version__}: `import torch` is Tapeless here."
    code.InteractiveConsole(names, "<stdin>").interact(banner, exitmsg="")


def _run(arguments: list[str]) -> None:
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first[:2] in ("-c", "-m"):
        attached, (kind, first) = first[2:], (first[:2], first[2:])
        if not attached:
            if not rest:
                _stop(f"Argument expected for the {kind} option\n{USAGE}")
            first, rest = rest[0], rest[1:]
        sys.argv[:] = [kind, *rest]
        return _run_module(first) if kind == "-m" else _run_text(first, "<string>")
    sys.argv[:] = [first, *rest]
    if not first and (sys.stdin.isatty() or sys.flags.interactive):
        return _prompt()
    if first in ("", "-"):
        return _run_text(sys.stdin.buffer.read(), "<stdin>")
    if first in ("-h", "--help"):
        return print(USAGE, end="")
    if first in ("-V", "--version"):
        return print(f"Tapeless {__version__}")
    if first.startswith("-"):
        _stop(f"unknown option {first}; options of Python stand before `-m tapeless`\n{USAGE}")
    return _run_file(first)


def _begin_tracebacks_with(traceback: TracebackType | None, error: BaseException) -> None:
    """Let the interpreter, which shows this error next, show it without the runner's frames."""
    show = sys.excepthook

    def shown(kind: type[BaseException], value: BaseException, shown_traceback: TracebackType | None) -> None:
        if value is error:
            shown_traceback = traceback
            value.with_traceback(traceback)
        show(kind, value, shown_traceback)

    sys.excepthook = shown


def main() -> None:
    """Run what the command line names."""
    try:
        _as_torch.install_as_torch()
    except ImportError as error:
        _stop(str(error), 1)
    try:
        _run(sys.argv[1:])
    except SystemExit:
        raise
    except BaseException as error:
        traceback = error.__traceback__
        while traceback and traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        _begin_tracebacks_with(traceback, error)
        raise
