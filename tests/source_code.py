"""Reads source files for the architecture tests: C++ by its braces, Python by its syntax tree."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Function:
    """One function of either language: where it is, its length in lines, its depth of blocks."""

    name: str
    line: int
    lines: int
    depth: int


def files(*patterns: str) -> list[Path]:
    """The repository's files that match, in order; generated folders hold none of the patterns."""
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file())


def relative(path: Path) -> str:
    """The path as the repository names it."""
    return path.relative_to(ROOT).as_posix()


_NOISE = re.compile(
    r"""
      R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"     # raw string
    | "(?:[^"\\\n]|\\.)*"                            # string
    | (?<![0-9A-Za-z_])'(?:[^'\\\n]|\\.)+'           # character, but not the mark in 1'000
    | //[^\n]*
    | /\*.*?\*/
    | ^[ \t]*\#(?:[^\n\\]|\\.)*                      # preprocessor line with its continuations
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


def cpp_skeleton(text: str) -> str:
    """C++ text without comments, literals and preprocessor lines; line numbers stay."""

    def blank(match: re.Match[str]) -> str:
        mark = '""' if match[0][0] in "\"'R" else ""
        return mark + "\n" * match[0].count("\n")

    return _NOISE.sub(blank, text)


_HOLDER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^()=]*$")
_CONTROL = re.compile(r"^\s*(else|do|try)\b|^\s*(if|for|while|switch|catch)\b", re.DOTALL)
_TEMPLATE = re.compile(r"template\s*<[^{};]*?>\s*(?=(class|struct|union)\b)", re.DOTALL)
_NAME = re.compile(r"([~\w:]*(?:operator\s*[^\s\w(]{1,3}|operator\s*\(\)|\w))\s*\(")


def _kind(header: str) -> str:
    """What a brace opens, judged by the text between it and the statement before."""
    bare = _TEMPLATE.sub("", header).strip()
    if _CONTROL.search(bare):
        return "control"
    if _HOLDER.search(bare) or re.match(r"(export\s+)?(namespace|extern)\b", bare):
        return "holder"
    if re.match(r"(class|struct|union|enum)\b[^(]*(:[^:].*)?$", bare, re.DOTALL):
        return "holder"
    if not bare or bare[-1] in "=(,{?:&|" or bare.endswith("return"):
        return "value"
    if re.search(r"[\w>]$", header):  # no space before the brace: Type{…}, or a member's initialiser
        return "value"
    if ")" in bare or bare[-1] == "]":
        return "function"
    return "value"


@dataclass
class _Block:
    kind: str
    name: str
    line: int
    start: int  # where its header begins, which goes on after the braces of a value
    header_line: int
    depth: int = 0
    parentheses: int = 0


def cpp_functions(text: str) -> list[Function]:
    """The outermost functions and lambdas of a C++ file; what they enclose counts as theirs."""
    skeleton = cpp_skeleton(text)
    found: list[Function] = []
    stack = [_Block("file", "", 1, 0, 1)]
    start, line, header_line = 0, 1, 1
    for at, char in enumerate(skeleton):
        line += char == "\n"
        stack[-1].parentheses += (char == "(") - (char == ")")
        if char == "{":
            stack.append(_open(skeleton[start:at], start, header_line, stack))
        elif char == "}" and len(stack) > 1:
            closed = _close(stack, line, found)
            if closed.kind == "value":
                start, header_line = closed.start, closed.header_line
                continue
        if char in "{}" or (char == ";" and stack[-1].parentheses <= 0):
            start, header_line = at + 1, line
        elif not skeleton[start:at].strip():
            header_line = line
    return found


def _open(header: str, start: int, line: int, stack: list[_Block]) -> _Block:
    kind = _kind(header)
    outer = next((block for block in stack if block.kind == "function"), None)
    if outer is not None and kind == "function":
        kind = "lambda"
    if outer is not None and kind == "control":
        nested = sum(block.kind == "control" for block in stack) + 1
        outer.depth = max(outer.depth, nested)
    name = _NAME.search(header)
    return _Block(kind, name[1] if name else "lambda", line, start, line)


def _close(stack: list[_Block], line: int, found: list[Function]) -> _Block:
    block = stack.pop()
    if block.kind == "function":
        found.append(Function(block.name, block.line, line - block.line + 1, block.depth))
    return block


_PYTHON_BLOCKS = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match),
    *(ast.FunctionDef, ast.AsyncFunctionDef),
)


def python_functions(text: str) -> list[Function]:
    """The functions of a Python file, inner ones and methods too."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        Function(node.name, node.lineno, (node.end_lineno or 0) - node.lineno + 1, _depth(node))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, kinds)
    ]


def _depth(node: ast.AST) -> int:
    """How deep blocks lie inside each other; `elif` is no deeper than its `if`."""
    deepest = 0
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            elif_branch = isinstance(node, ast.If) and name == "orelse" and len(value) == 1
            opens = isinstance(child, _PYTHON_BLOCKS) and not (elif_branch and isinstance(child, ast.If))
            deepest = max(deepest, _depth(child) + opens)
    return deepest


_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(text: str) -> list[tuple[bool, str]]:
    """Each include of a C++ file as (whether it is in quotes, path)."""
    return [(match[1] == '"', match[2]) for match in _INCLUDE.finditer(text)]


@dataclass(frozen=True)
class Import:
    """One imported module, and whether it is imported as soon as the file is."""

    module: str
    line: int
    eager: bool


def python_imports(text: str, module: str, is_package: bool) -> list[Import]:
    """Every import of a Python file, made absolute: `module` is the file's own name."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    return list(_imports(ast.parse(text), package, True))


def _imported(node: ast.AST, package: list[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and "import" in ast.unparse(node.func):
        constants = [part.value for part in node.args[:1] if isinstance(part, ast.Constant)]
        return [name for name in constants if isinstance(name, str)]
    return []


def _imports(node: ast.AST, package: list[str], eager: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for name in _imported(child, package):
            yield Import(name, child.lineno, eager)
        inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from _imports(child, package, eager and not inside and not typing_only)


def module_name(path: Path) -> tuple[str, bool]:
    """The dotted name of a file under python/, and whether it is a package's own file."""
    parts = path.relative_to(ROOT / "python").with_suffix("").parts
    is_package = parts[-1] == "__init__"
    return ".".join(parts[:-1] if is_package else parts), is_package


def is_standard(module: str) -> bool:
    """Whether a module belongs to Python itself."""
    return module.split(".")[0] in sys.stdlib_module_names
