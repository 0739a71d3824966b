"""Write docs/operations.md, the reference of all operations, from what they say of themselves: `reference.py [FILE]`.

Rows print their own derivative; structured operations and functions written in Python state it in their docstrings.
"""

import importlib
import inspect
import pkgutil
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tapeless
from tapeless import _core, _creation, nn, operations

HEAD = """# Operations

Written by `make reference` from the operations' own docstrings; `help(tapeless.NAME)` shows the same. `tapeless.NAME`
is a function; a dot marks those that are methods of Tensor too, `_` those that have an in-place form.

In derivatives, g is the gradient of the result `out`; x, y, z are the operands in their order. A function that says
nothing of its derivative is made of others and has theirs, or gives what has none: whole numbers, truth values, no
tensor.
"""


def own(name: str) -> Any:
    """The function of that name in the namespace, or the method."""
    return getattr(tapeless, name, None) or getattr(tapeless.Tensor, name, None)


def marks(name: str) -> str:
    """Whether Tensor has a method of the name, and one in place."""
    dot = "." if hasattr(tapeless.Tensor, name) else ""
    return dot + ("_" if hasattr(tapeless.Tensor, name + "_") else "")


def sentence(text: str) -> str:
    """A text as one line that a table can hold."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def row_lines() -> Iterator[str]:
    """The rows, one a line: what they compute and their derivative."""
    yield "| operation | computes | derivative |\n|---|---|---|"
    for row in _core._row_facts():
        name = row["name"]
        doc = row["doc"] + " Element by element: " + row["formula"] + "."
        derivative = row["derivative"].removeprefix("Derivative: ").removesuffix(".")
        yield f"| `{name}` {marks(name)} | {sentence(doc)} | {sentence(derivative)} |"


def described(name: str, function: Any) -> tuple[str, str]:
    """A function's signature and what its docstring says."""
    doc = inspect.getdoc(function) or ""
    match = re.match(rf"({re.escape(name)}\(.*?\))(?: ->[^\n]*)?(?:\n|$)", doc)
    if match:
        return match.group(1), doc[match.end() :]
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return name, doc
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return name + str(signature.replace(parameters=bare, return_annotation=signature.empty)), doc


def function_lines(functions: dict[str, Any]) -> Iterator[str]:
    """Functions by name, one an item."""
    for name in sorted(functions):
        signature, doc = described(name, functions[name])
        yield f"- `{signature}` {marks(name)} – {sentence(doc)}"


def structured() -> dict[str, Any]:
    """Operations of the core that are no rows and have a public name."""
    rows = {row["name"] for row in _core._row_facts()} | {row["alias"] for row in _core._row_facts()}
    return {
        name: function
        for name, function in _core.functions.items()
        if not name.startswith("_") and not name.endswith("_") and name not in rows and name not in operations.functions
    }


def families(package: types.ModuleType) -> Iterator[tuple[str, dict[str, Any]]]:
    """A module, or the modules of a package, with their public functions."""
    inside = sorted(module.name for module in pkgutil.iter_modules(getattr(package, "__path__", ())))
    modules = {name: importlib.import_module(f"{package.__name__}.{name}") for name in inside if name[0] != "_"}
    for found, module in (modules or {"": package}).items():
        names = [name for name in getattr(module, "__all__", ()) if callable(getattr(module, name))]
        if names:
            yield found, {name: getattr(module, name) for name in names}


def text() -> str:
    """The whole reference."""
    parts = [HEAD, "## Pointwise operations", *row_lines(), ""]
    parts += ["## Operations of the core", *function_lines(structured())]
    packages = {
        "Creation": _creation,
        "Random numbers": tapeless.random,
        "Functions": operations,
        "nn.functional": nn.functional,
        "linalg": tapeless.linalg,
        "special": tapeless.special,
        "signal": tapeless.signal,
        "testing": tapeless.testing,
    }
    for title, package in packages.items():
        for family, functions in families(package):
            parts += ["", f"## {title}{': ' * bool(family)}{family}", *function_lines(functions)]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/operations.md").write_text(text())
