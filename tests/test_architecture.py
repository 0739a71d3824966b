"""The tree keeps its layers, its sizes and its machine code, which no compiler checks.

Every rule is first shown to find a planted fault, so that none can pass by seeing nothing.
"""

import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests import object_code, source_code
from tests.source_code import Function, files, relative

LAYERS = ("base", "runtime", "tensor", "kernels", "graph", "ops", "autograd")
CORE = files("core/**/*.h", "core/**/*.cpp")
BINDINGS = files("bindings/**/*.h", "bindings/**/*.cpp")
CPP = [*CORE, *BINDINGS, *files("tests/cpp/*.h", "tests/cpp/*.cpp")]
PACKAGE = files("python/tapeless/**/*.py")
PYTHON = [*PACKAGE, *files("tests/**/*.py", "bench/**/*.py", "examples/**/*.py", "tools/*.py")]
OTHERS = files("Makefile", "CMakeLists.txt", "cmake/*.cmake", "pyproject.toml", ".ci/run", ".gitignore")
OTHERS += files(".clang-format")


def read(path: Path) -> str:
    """The text of a source file."""
    return path.read_text(encoding="utf-8")


def none_of(faults: Iterable[str]) -> None:
    """Fail with all the faults at once, one a line."""
    found = list(faults)
    assert not found, f"{len(found)} found:\n" + "\n".join(found)


def test_every_layer_was_seen():
    seen = {path.relative_to(source_code.ROOT / "core").parts[0] for path in CORE}
    assert seen == set(LAYERS)
    assert len(CORE) >= 40 and len(BINDINGS) >= 4 and len(PACKAGE) >= 8 and len(OTHERS) >= 8


# --- Includes and imports ---


def include_faults(name: str, text: str) -> list[str]:
    """What a C++ file (core/<layer>/…, bindings/… or tests/cpp/…) includes and must not."""
    parts = name.split("/")
    own = LAYERS.index(parts[1]) if parts[0] == "core" else len(LAYERS)
    faults = []
    for quoted, target in source_code.includes(text):
        layer = target.split("/")[0]
        if parts[0] != "bindings" and re.search(r"python|nanobind|pybind|structmember", target, re.I):
            faults.append(f"{name}: includes {target}: only bindings may know Python")
        elif layer in LAYERS and LAYERS.index(layer) > own:
            faults.append(f"{name}: includes {target}: {layer} is a higher layer")
        elif layer in LAYERS and not quoted:
            faults.append(f"{name}: includes <{target}>: our own files are included in quotes")
        elif quoted and parts[0] == "core" and layer not in LAYERS:
            faults.append(f"{name}: includes {target}: write it relative to core/")
        elif layer == "bindings" and parts[0] != "bindings":
            faults.append(f"{name}: includes {target}: bindings is a higher layer")
        elif layer in LAYERS and not (source_code.ROOT / "core" / target).exists():
            faults.append(f"{name}: includes {target}: there is no such file")
    return faults


@pytest.mark.parametrize(
    "planted",
    [
        '#include "ops/x.h"',
        "#include <Python.h>",
        '  # include "nanobind/nanobind.h"',
        "#include <base/error.h>",
        '#include "no_such.h"',
        '#include "tensor/no_such.h"',
        '#include "bindings/x.h"',
    ],
)
def test_include_rule_finds(planted: str):
    assert len(include_faults("core/kernels/x.h", "// x\n" + planted + "\n")) == 1


def test_includes_go_down_the_layers():
    none_of(fault for path in CPP for fault in include_faults(relative(path), read(path)))


def test_core_is_compiled_without_python():
    commands = object_code.core_commands()
    assert len(commands) >= 20
    folders = {Path(folder) for command in commands for folder in include_folders(command)}
    assert folders
    none_of(f"{folder} holds Python.h" for folder in folders if (folder / "Python.h").exists())


def include_folders(command: str) -> list[str]:
    """The folders that a compiler command names for includes."""
    return re.findall(r"(?:-I|-isystem)\s*(\S+)", shlex.join(shlex.split(command)))


def test_core_needs_no_symbol_of_python():
    archive = object_code.BUILD / "libtapeless_core.a"
    undefined = set(re.findall(r"^\s+U (\S+)$", object_code.run("nm", archive), re.MULTILINE))
    assert any(name.startswith("_Z") for name in undefined)
    none_of(name for name in undefined if re.match(r"_?Py[A-Z_]", name))


def import_faults(module: str, text: str, is_package: bool = False) -> list[str]:
    """What a Python file of the package imports and must not."""
    faults = []
    public_only = re.match(r"tapeless\.(nn|optim)\b", module)
    for imported in source_code.python_imports(text, module, is_package):
        parts = imported.module.split(".")
        where = f"{module}:{imported.line}: imports {imported.module}"
        ours = parts[0] == "tapeless" or source_code.is_standard(imported.module)
        if parts[0] in ("torch", "functorch", "jax"):
            faults.append(f"{where}: PyTorch is an oracle in tests only")
        elif imported.eager and not ours:
            faults.append(f"{where}: libraries are imported where they are used, not at the top")
        elif public_only and not ours:
            faults.append(f"{where}: nn and optim need nothing but tapeless")
        elif public_only and not imported.module.startswith(public_only[0] + "."):
            if any(part.startswith("_") and not part.startswith("__") for part in parts):
                faults.append(f"{where}: nn and optim use the public namespace only")
    return faults


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("tapeless.viz", "def f():\n    from torch.nn import functional"),
        ("tapeless.viz", "def f():\n    importlib.import_module('torch')"),
        ("tapeless.viz", "import numpy as np"),
        ("tapeless.viz", "try:\n    import tqdm\nexcept ImportError:\n    pass"),
        ("tapeless.nn.functional", "from tapeless._core import add"),
        ("tapeless.nn.functional", "from .. import _core"),
        ("tapeless.optim.sgd", "from .._compositions import gelu"),
        ("tapeless.optim.sgd", "def f():\n    import numpy"),
    ],
)
def test_import_rule_finds(module: str, planted: str):
    assert len(import_faults(module, planted)) == 1


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("tapeless.nn.functional", "import math\nimport tapeless\nfrom ._loss import mse"),
        ("tapeless.viz", "from __future__ import annotations\ndef f():\n    import numpy"),
        ("tapeless.viz", "if TYPE_CHECKING:\n    import numpy"),
    ],
)
def test_import_rule_allows(module: str, allowed: str):
    assert import_faults(module, allowed) == []


def test_python_imports_keep_the_layers():
    faults = []
    for path in PACKAGE:
        module, is_package = source_code.module_name(path)
        faults += import_faults(module, read(path), is_package)
    none_of(faults)


def test_importing_tapeless_imports_no_library():
    program = (
        "import sys; before = set(sys.modules); import tapeless;"
        "print(*sorted({n.split('.')[0] for n in set(sys.modules) - before} - {'tapeless'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    none_of(name for name in done.stdout.split() if not source_code.is_standard(name))


# --- Sizes and first lines ---


def size_faults(name: str, text: str) -> list[str]:
    """A file over 600 lines; a table of rows may have 900."""
    limit = 900 if re.search(r"(_rows|_table)\.(h|cpp|py)$", name) else 600
    lines = text.count("\n")
    return [f"{name}: {lines} lines, at most {limit}"] if lines > limit else []


def function_faults(name: str, functions: list[Function]) -> list[str]:
    """Functions over 60 lines, or with blocks more than 3 deep."""
    long = [f for f in functions if f.lines > 60]
    deep = [f for f in functions if f.depth > 3]
    return [
        *(f"{name}:{f.line}: {f.name} has {f.lines} lines, at most 60" for f in long),
        *(f"{name}:{f.line}: {f.name} is {f.depth} blocks deep, at most 3" for f in deep),
    ]


DEEP_CPP = "  if (a) {\n for (;;) {\n while (b) {\n try {\n c();\n } catch (...) {}\n } } }\n"
DEEP_PYTHON = "  if a:\n   for b in c:\n    while d:\n     with e:\n      pass\n"


@pytest.mark.parametrize(
    "planted",
    [
        "namespace a {\nint f(int x) {\n" + "  x++;\n" * 60 + "}\n}\n",
        "struct A : B {\n  template <class T>\n  auto f(T x) const -> int {\n" + "x;\n" * 58 + "}\n};\n",
        "A::A(int x) : x_(x), y_{x} {\n" + "  x++;\n" * 60 + "}\n",
        "static const auto f = row([](auto x) {\n" + "  x++;\n" * 60 + "});\n",
        "namespace {\nvoid f() {\n" + DEEP_CPP + "}\n}\n",
    ],
)
def test_cpp_function_rule_finds(planted: str):
    assert len(function_faults("x", source_code.cpp_functions(planted))) == 1


def test_cpp_function_rule_allows():
    text = (
        'namespace a::b {\n// {{{ " \' \nconst char* t = "}{" R"x({{)x";\nconst int y = 1\'000;\n'
        "static const Table table[] = {\n" + '  {"a", f(1)},\n' * 100 + "};\n"
        "enum class Kind : int { A, B };\nclass X final : public Y<int> {\n"
        + "  int f() { return 1; }\n"
        * 61
    )
    functions = source_code.cpp_functions(text + "};\n#define M(x) { x {\n}\n")
    assert len(functions) == 61 and {f.lines for f in functions} == {1}


@pytest.mark.parametrize("body", ["  x = 1\n" * 60, DEEP_PYTHON])
def test_python_function_rule_finds(body: str):
    functions = source_code.python_functions("def f():\n" + body)
    assert len(function_faults("x", functions)) == 1


def test_files_are_small():
    assert size_faults("x.cpp", "\n" * 601) and not size_faults("core/ops/x_rows.h", "\n" * 900)
    none_of(fault for path in [*CPP, *PYTHON] for fault in size_faults(relative(path), read(path)))


def test_functions_are_small():
    faults, seen = [], 0
    for path in [*CPP, *PYTHON]:
        reader = source_code.python_functions if path.suffix == ".py" else source_code.cpp_functions
        functions = reader(read(path))
        seen += len(functions)
        faults += function_faults(relative(path), functions)
    assert seen >= 500, f"only {seen} functions were recognised"
    none_of(faults)


def says_what_it_is(text: str) -> bool:
    """Whether the first line (after `#!`) is a comment or a docstring with words in it."""
    lines = text.splitlines() or [""]
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    return bool(re.match(r'(//+ ?|# |/\*+ ?|r?""")\w.*\w', first))


def test_first_lines_say_what_the_file_is():
    assert not any(map(says_what_it_is, ["", "#pragma once", "#include <a>", '"""', "//", "import a"]))
    none_of(relative(path) for path in [*CPP, *PYTHON, *OTHERS] if not says_what_it_is(read(path)))


# --- Machine code ---

OBJECTS = object_code.loop_objects()
X86 = platform.machine() in ("x86_64", "AMD64")
on_x86 = pytest.mark.skipif(not X86, reason=f"{platform.machine()} has one level and other instructions")


def test_every_loop_was_compiled_at_every_level():
    sources = files("core/ops/loops_*.cpp")
    assert sources, "core/ops holds no loops_*.cpp"
    seen = {(made.family, made.dtypes, made.level) for made in OBJECTS}
    levels = object_code.levels()
    wanted = {
        (source.stem, dtypes, level) for source in sources for dtypes in levels for level in levels[dtypes]
    }
    assert seen == wanted
    assert not X86 or levels["float32"] == [2, 3, 4]


def test_weak_symbol_rule_finds():
    listing = "0000 W std::max(int)\n0010 u a::b\n0020 T a::f()\n     w g\n0000 V a::table\n     U h\n"
    assert object_code.mergeable(listing) == ["std::max(int)", "a::b", "a::table"]


@pytest.mark.parametrize("made", OBJECTS, ids=str)
def test_no_symbol_can_be_merged_across_levels(made: object_code.LoopObject):
    """A linker keeps one of several weak functions: perhaps one that this processor cannot run."""
    listing = object_code.run("nm", "-C", made.path)
    assert re.search(r"^[0-9a-f]+ [tT] ", listing, re.MULTILINE), "no function was listed"
    none_of(object_code.mergeable(listing))


def test_packed_rule_finds():
    listing = (
        "0000000000000000 <a::(anonymous namespace)::forward_loop<a::add>(int)>:\n"
        "   0:\tvaddps (%rsi),%ymm0,%ymm0\n   4:\tret\n\n"
        "0000000000000010 <a::(anonymous namespace)::forward_loop<a::exp>(int)>:\n  10:\tcall 0\n"
        "\t\t\t11: R_X86_64_PLT32\texpf-0x4\n  16:\taddss %xmm0,%xmm1\n  1a:\tmov %eax,%edx\n"
    )
    first, second = object_code.loops_of(object_code.functions_of(listing)).values()
    assert object_code.loop_faults(first) == [] and len(object_code.loop_faults(second)) == 3
    assert object_code.is_packed(first) and not object_code.scalar_arithmetic(first)
    assert not object_code.is_packed(second) and object_code.scalar_arithmetic(second)
    assert object_code.calls(second) == ["expf"] and object_code.widest(first) == 256


@on_x86
@pytest.mark.parametrize("made", OBJECTS, ids=str)
def test_a_level_uses_its_own_registers(made: object_code.LoopObject):
    width = max(map(object_code.widest, object_code.disassembled(made.path).values()), default=0)
    allowed = {2: 128, 3: 256, 4: 512}[made.level]
    assert width <= allowed, f"{made}: {width}-bit registers"


FLOAT_OBJECTS = [made for made in OBJECTS if made.dtypes in ("float32", "float64")]
# Their exact remainder takes as many steps as the numbers ask for: no vector has one answer.
ONE_BY_ONE = {"pow", "floor_divide", "remainder", "fmod"}
# Special functions are compiled once for all levels: a loop that calls one of them computes one by one.
SPECIAL = set(
    re.findall(
        r"^TAPELESS_SPECIAL\w*\((\w+)\)", (source_code.ROOT / "core/kernels/math_special.h").read_text(), re.M
    )
)


def is_one_by_one(name: str, body: list[str]) -> bool:
    """Whether a loop may call and compute single numbers."""
    called = {re.sub(r".*::(\w+)\(.*", r"\1", call) for call in object_code.calls(body)}
    return object_code.row_of(name) in ONE_BY_ONE or bool(called) and called <= SPECIAL


@on_x86
@pytest.mark.parametrize("made", FLOAT_OBJECTS, ids=str)
def test_float_loops_are_packed(made: object_code.LoopObject):
    """Each loop computes on whole vectors only: no call, no scalar tail whose bits would differ."""
    loops = object_code.loops_of(object_code.disassembled(made.path))
    rows = {object_code.row_of(name) for name in loops}
    written = set(object_code.formula_rows(made.family.removeprefix("loops_")))
    assert rows <= written and len(rows) >= len(written) / 2, f"{made}: only {rows}"
    none_of(
        f"{object_code.row_of(name)}: {fault}: {name}"
        for name, body in loops.items()
        if not is_one_by_one(name, body)
        for fault in object_code.loop_faults(body)
    )
