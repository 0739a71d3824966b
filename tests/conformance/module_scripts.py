"""Scripts about modules, line by line under both libraries: `python -m tests.conformance.module_scripts`.

Each file of module_scripts/ runs twice from the same seed. Every expression's value, every exception and every warning
is written down as text, and the texts must be the same: attributes, containers, hooks, states, packed sequences,
parametrizations, pruning, functional calls.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
import warnings
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).with_name("module_scripts")


def texts(source: str, library: str) -> dict[int, list[str]]:
    """What each line of a script shows, in one library's words; by line number."""
    source = re.sub(r"\btorch\b", library, source)
    torch = importlib.import_module(library)
    importlib.import_module(library + ".nn")
    torch.set_printoptions(precision=3, sci_mode=False)
    torch.manual_seed(0)
    shown: list[str] = []

    def note(*values: Any) -> None:
        text = " ".join(map(repr, values))
        text = re.sub(r"0x[0-9a-f]+", "0x", text.replace(library, "torch"))
        text = re.sub(r" Please file an issue at \S+( to report this bug\.| if [\w\s]+\.)", "", text)
        shown.append(re.sub(r"-(0\.0*)(?=[,\]) ])", r" \1", text))

    def attempt(function: Any) -> None:
        try:
            note(function())
        except Exception as error:
            note(type(error).__name__, str(error))

    names: dict[str, Any] = {"torch": torch, library: torch, "nn": torch.nn, "note": note, "attempt": attempt}
    lines = {}
    for node in ast.parse(source).body:
        shown = lines[node.lineno] = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            _run(node, names, attempt)
        for warning in caught:
            if not issubclass(warning.category, DeprecationWarning):
                note(warning.category.__name__, str(warning.message))
    return lines


def _run(node: ast.stmt, names: dict[str, Any], attempt: Any) -> None:
    if isinstance(node, ast.Expr):
        code = compile(ast.Expression(node.value), "script", "eval")
        attempt(lambda: eval(code, names))
    else:
        code = compile(ast.Module([node], []), "script", "exec")
        attempt(lambda: exec(code, names))


def differences(source: str) -> tuple[int, list[str]]:
    """How many texts were compared, and the lines of which they differ."""
    ours, theirs = texts(source, "tapeless"), texts(source, "torch")
    lines = source.splitlines()
    differing = [
        f"line {at}: {lines[at - 1]}\n    PyTorch:  {theirs[at]}\n    Tapeless: {ours[at]}"
        for at in theirs
        if ours[at] != theirs[at]
    ]
    return sum(map(len, theirs.values())), differing


def main() -> int:
    """Compare all scripts; the exit status."""
    # A comparison that cannot find anything would pass always.
    assert differences("'tapeless' in torch.__version__\n")[1], "a planted difference was not found"
    failed = 0
    for path in sorted(SCRIPTS.glob("*.txt")):
        count, differing = differences(path.read_text())
        failed += bool(differing)
        print(f"{'FAIL' if differing else 'ok'} {path.stem}: {count} texts, {len(differing)} differ", flush=True)
        for difference in differing:
            print(difference, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
