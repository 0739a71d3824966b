"""Write the package's type stub from what the package says of itself: `stubs.py FOLDER` fills FOLDER/tapeless.

The docstrings of rows and operations begin with their signatures, and functions written in Python have their own; so
there is no second list. The wheel's build runs this on the package it made (tools/build_wheel.py).
"""

import builtins
import importlib
import inspect
import re
import sys
import types
from pathlib import Path
from typing import Any

HEAD = """# The types of the package, written by tools/stubs.py from the signatures that it gives itself.
import builtins
from typing import Any

"""
# What an operator or conversion gives where it is no tensor.
RESULTS = {
    "__bool__": "builtins.bool",
    "__contains__": "builtins.bool",
    "__complex__": "builtins.complex",
    "__float__": "builtins.float",
    "__hash__": "builtins.int",
    "__index__": "builtins.int",
    "__int__": "builtins.int",
    "__len__": "builtins.int",
    "__repr__": "builtins.str",
    "__str__": "builtins.str",
    "__format__": "builtins.str",
    "__delattr__": "None",
    "__delitem__": "None",
    "__setattr__": "None",
    "__setitem__": "None",
}
# Their third argument may be left out, which Python does not say of them.
POWERS = {"__pow__": ["value: Any", "mod: Any = ..."], "__ipow__": ["value: Any", "mod: Any = ..."]}
POWERS["__rpow__"] = ["value: Any"]
# What `object` types more narrowly than a tensor's operators are.
NARROWER = ("__eq__", "__ne__")


def described(doc: str | None, name: str) -> str | None:
    """The parameters that the first line of a docstring gives, as in "sum(input, dim=None)"."""
    match = re.match(rf"{re.escape(name)}\((.*?)\)(?:$| ->|\n)", doc or "")
    return match.group(1) if match else None


def typed(parameter: str) -> str:
    """One parameter of a docstring, with the type that its name and its default tell."""
    if parameter in ("*", "/") or parameter.startswith("**"):
        return parameter if parameter in ("*", "/") else parameter + ": Any"
    name, _, default = (part.strip() for part in parameter.partition("="))
    name = name.split(":")[0]
    if name == "from":
        name = "from_"
    if not default:
        return f"{name}: Tensor" if name == "input" else f"{name}: Any"
    kind = "builtins.bool" if default in ("True", "False") else "Any"
    return f"{name}: {kind} = ..."


def split(parameters: str) -> list[str]:
    """The parameters of a list, at its own commas."""
    parts, depth = [""], 0
    for letter in parameters:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def parameters_of(function: Any, name: str) -> list[str]:
    """A callable's parameters as a stub writes them; anything goes where it gives none."""
    given = described(function.__doc__, name)
    if given is None and isinstance(function, types.FunctionType):
        given = re.sub(r"\) ->.*$", ")", str(strip_types(inspect.signature(function))))[1:-1]
    if given is None:
        return ["*args: Any", "**kwargs: Any"]
    parts, defaulted = [], False
    for part in map(typed, split(given)):
        # Some signatures let a name that must be given follow one that need not: so all of those may be left out.
        defaulted = not part.startswith("*") and (defaulted or part.endswith("= ..."))
        parts.append(part if part.endswith("= ...") or not defaulted else part + " = ...")
    return parts


def strip_types(signature: inspect.Signature) -> inspect.Signature:
    """The same signature without annotations, and with defaults that print as themselves."""
    return signature.replace(
        parameters=[
            p.replace(annotation=p.empty, default=p.default if p.default is p.empty or type(p.default) is bool else 0)
            for p in signature.parameters.values()
        ],
        return_annotation=signature.empty,
    )


def result_of(function: Any, name: str, rows: set[str]) -> str:
    """What a call gives: a tensor for rows and for operators."""
    if name in RESULTS:
        return RESULTS[name]
    operator = name.startswith("__") and isinstance(function, types.WrapperDescriptorType)
    return "Tensor" if operator or name.rstrip("_") in rows or name in rows else "Any"


def definition(name: str, parameters: list[str], result: str, indent: str = "") -> str:
    """One line that defines a function."""
    ignored = "  # type: ignore[override]" if indent and name in NARROWER and result == "Tensor" else ""
    return f"{indent}def {name}({', '.join(parameters)}) -> {result}: ...{ignored}\n"


def member(name: str, value: Any, rows: set[str]) -> str:
    """One attribute of a class."""
    if isinstance(value, (property, types.GetSetDescriptorType)):
        return f"    {name}: Any\n"
    if isinstance(value, (classmethod, staticmethod, types.ClassMethodDescriptorType, types.BuiltinFunctionType)):
        return f"    @classmethod\n    def {name}(cls, *args: Any, **kwargs: Any) -> Any: ...\n"
    if not callable(value):
        return f"    {name}: Any\n"
    if name.startswith("__") and isinstance(value, types.WrapperDescriptorType):
        count = len(inspect.signature(value).parameters)
        rest = [f"value{k or ''}: Any" for k in range(count - 1)]
        rest = (
            ["value: Any", "mod: Any = ..."]
            if name in ("__pow__", "__ipow__")
            else ["value: Any"]
            if name == "__rpow__"
            else rest
        )
        return definition(name, ["self", *rest], result_of(value, name, rows), "    ")
    parameters = parameters_of(value, name)
    if parameters and parameters[0].split(":")[0] in ("input", "self"):
        parameters = parameters[1:]
    return definition(name, ["self", *parameters], result_of(value, name, rows), "    ")


def members(cls: type) -> list[str]:
    """The attributes of a class that `object` has not."""
    shared = {"__doc__", "__module__", "__new__", "__init_subclass__", "__subclasshook__", "__dict__", "__weakref__"}
    # Names that exist only to say why they do not are no attributes.
    static = {name: inspect.getattr_static(cls, name) for name in dir(cls) if hasattr(cls, name)}
    own = {name: v for name, v in static.items() if inspect.getattr_static(object, name, None) is not v}
    hidden = re.compile(r"_(?!_).*")
    return sorted(name for name in own if name not in shared and not hidden.fullmatch(name))


def class_text(name: str, cls: type, rows: set[str]) -> str:
    """A class with its members."""
    base = "(tuple[builtins.int, ...])" if issubclass(cls, tuple) else ""
    if base:
        return f"class {name}{base}: ...\n"
    body = "".join(member(m, inspect.getattr_static(cls, m), rows) for m in members(cls) if m != "__init__")
    return f"class {name}{base}:\n    def __init__(self, *args: Any, **kwargs: Any) -> None: ...\n{body}"


def value_text(name: str, value: Any, rows: set[str]) -> str:
    """One public name of the package."""
    if isinstance(value, types.ModuleType):
        return f"from tapeless import {name} as {name}\n"
    if isinstance(value, type):
        return class_text(name, value, rows)
    if isinstance(value, builtins.float):
        return f"{name}: builtins.float\n"
    if value is None:
        return f"{name}: None\n"
    if callable(value):
        return definition(name, parameters_of(value, name), result_of(value, name, rows))
    return f"{name}: {type(value).__name__}\n"


def public(package: types.ModuleType) -> list[str]:
    """The names that a program may use, classes first: what follows mentions them."""
    names = [name for name in dir(package) if not name.startswith("_")]
    return sorted(names, key=lambda name: (not isinstance(getattr(package, name), type), name))


def stub_text(package: types.ModuleType) -> str:
    """The whole stub."""
    rows = {row["name"] for row in package._core._row_facts()}
    return HEAD + "".join(value_text(name, getattr(package, name), rows) for name in public(package))


def main(folder: str) -> None:
    """Write FOLDER/tapeless/__init__.pyi and py.typed, describing the package that lies in FOLDER."""
    sys.path.insert(0, folder)
    package = importlib.import_module("tapeless")
    place = Path(folder) / "tapeless"
    (place / "__init__.pyi").write_text(stub_text(package))
    (place / "py.typed").touch()


if __name__ == "__main__":
    main(sys.argv[1])
