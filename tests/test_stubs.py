"""The type stubs: every public name of the package has one, and nothing else has."""

import ast
import inspect
import pathlib
import re

import tapeless

PACKAGE = pathlib.Path(tapeless.__file__).parent
STUB = ast.parse((PACKAGE / "__init__.pyi").read_text())


def names(body):
    """What a body of statements defines."""
    found = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            found.add(node.target.id)
        elif isinstance(node, ast.ImportFrom) and node.module == "tapeless":
            found.update(alias.asname for alias in node.names)
    return found


def of_class(name):
    return names(next(node for node in STUB.body if isinstance(node, ast.ClassDef) and node.name == name).body)


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists()


def test_every_public_name_has_a_stub_and_every_stub_a_name():
    assert names(STUB.body) == {name for name in dir(tapeless) if not name.startswith("_")}


def test_every_attribute_of_a_tensor_has_a_stub_and_every_stub_an_attribute():
    stubs = of_class("Tensor")
    assert [name for name in stubs if not hasattr(tapeless.Tensor, name)] == []
    public = {name for name in dir(tapeless.Tensor) if not name.startswith("_") and hasattr(tapeless.Tensor, name)}
    own = {name for name in vars(tapeless.Tensor) if re.fullmatch(r"__\w+__", name)}
    kept_by_python = {"__doc__", "__module__", "__new__", "__dict__", "__weakref__", "__slotnames__"}
    assert public | (own - kept_by_python) <= stubs


def test_a_stub_takes_the_arguments_that_the_function_takes():
    functions = {node.name: node.args for node in STUB.body if isinstance(node, ast.FunctionDef)}
    for name, names_of_it in {
        "sum": ["input", "dim", "keepdim", "dtype"],
        "add": ["input", "other", "out"],
        "clamp": ["input", "min", "max", "out"],
        "cat": list(inspect.signature(lambda tensors, dim: None).parameters),
    }.items():
        args = functions[name]
        assert [a.arg for a in [*args.args, *args.kwonlyargs]] == names_of_it
    assert functions["zeros"].vararg.arg == "size"
