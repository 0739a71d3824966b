"""Reads object files for the architecture tests: symbols by `nm`, instructions by `objdump`."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.source_code import ROOT

BUILD = ROOT / os.environ.get("TAPELESS_BUILD_DIR", "build/release")


@dataclass(frozen=True)
class LoopObject:
    """One object file of the loops: its family, dtype class and ISA level."""

    path: Path
    family: str
    dtypes: str
    level: int

    def __str__(self) -> str:
        """Short enough to be a test's name."""
        return f"{self.family}_{self.dtypes}_v{self.level}"


_FOLDER = re.compile(r"(loops_\w+)_(float32|float64|integer|complex)_v(\d)\.dir")


def loop_objects() -> list[LoopObject]:
    """The loops' object files of the present build; a stale one is not among its commands."""
    commands = BUILD / "compile_commands.json"
    if not commands.exists():
        return []
    found = []
    for entry in json.loads(commands.read_text()):
        match = _FOLDER.search(entry["command"])
        if match:
            output = re.search(r" -o (\S+)", entry["command"])
            path = Path(entry["directory"]) / output[1] if output else Path()
            found.append(LoopObject(path, match[1], match[2], int(match[3])))
    return sorted(found, key=str)


def core_commands() -> list[str]:
    """The compiler's command lines for the files of core/."""
    commands = BUILD / "compile_commands.json"
    assert commands.exists(), f"{commands}: nothing is built there; run `make build`"
    cache = (BUILD / "CMakeCache.txt").read_text()  # The build may be of another checkout of the same sources.
    folder = os.path.join(re.findall(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.+)$", cache, re.MULTILINE)[0], "core", "")
    entries = json.loads(commands.read_text())
    return [entry["command"] for entry in entries if entry["file"].startswith(folder)]


def levels() -> dict[str, list[int]]:
    """The ISA levels of each dtype class, as the core's commands state the highest."""
    highest = re.findall(r"-DTAPELESS_MAX_LEVEL_(\w+)=(\d)", core_commands()[0])
    return {name.lower(): list(range(2, int(level) + 1)) for name, level in highest}


def run(*command: str | Path) -> str:
    """The output of a tool, which must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


# What every position-independent object with exceptions holds: an address, never code.
_HARMLESS = ("DW.ref.__gxx_personality_v0",)
_SYMBOL = re.compile(r"^[0-9a-f]+ ([A-Za-z]) (.+)$", re.MULTILINE)


def mergeable(listing: str) -> list[str]:
    """The symbols of an `nm -C` listing that a linker may replace by another file's."""
    return [name for kind, name in _SYMBOL.findall(listing) if kind in "WVu" and name not in _HARMLESS]


_HEAD = re.compile(r"^[0-9a-f]+ <(.*)>:$")
_INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\s+(\S.*)$")


def functions_of(listing: str) -> dict[str, list[str]]:
    """The instructions of every function of an `objdump -dr -C --no-show-raw-insn` listing."""
    functions: dict[str, list[str]] = {}
    body: list[str] = []
    for line in listing.splitlines():
        head = _HEAD.match(line)
        if head:
            # Lambdas of one header share their demangled name: the address keeps them apart.
            body = functions.setdefault(f"{head[1]} at {line[:16].lstrip('0') or '0'}", [])
        elif instruction := _INSTRUCTION.match(line):
            body.append(instruction[1])
    return functions


@cache
def disassembled(path: Path) -> dict[str, list[str]]:
    """The instructions of every function of one object file."""
    return functions_of(run("objdump", "-dr", "-C", "--no-show-raw-insn", path))


# Arithmetic on whole vectors: names that end in ps or pd, or packed integers, but no moves.
_MOVES = r"(?!v?mov|v?shuf|v?unpck|v?perm|v?broadcast|v?blend|v?insert|v?extract)"
_PACKED_FLOAT = re.compile(rf"^{_MOVES}v?[a-z0-9]+p[sd]\b")
_PACKED_INTEGER = re.compile(
    r"^v?p(add|sub|mul|and|or|xor|cmp|min|max|abs|sra|srl|sll|sign|ternlog|test)[a-z0-9]*\b"
)
_SCALAR = re.compile(
    r"^v?((add|sub|mul|div|sqrt|round|rndscale|max|min|cmp\w*|comi|ucomi)s[sd]|cvtt?s[sdi]2\w+)\b"
)


_VECTOR_MOVE = re.compile(r"^v?mov(a|u|nt)(p[sd]|dq[au]?\d*|dq)\b|^v?movdq[au]\d*\b")
_TARGET = re.compile(r"R_X86_64_\w+\s+(.+?)(?:[-+]0x[0-9a-f]+)?$")


def is_packed(instructions: list[str]) -> bool:
    """Whether some instruction computes on a whole vector."""
    return any(_PACKED_FLOAT.match(line) or _PACKED_INTEGER.match(line) for line in instructions)


def scalar_arithmetic(instructions: list[str]) -> list[str]:
    """The instructions that compute on one floating number: a scalar tail, or a scalar loop."""
    return [line for line in instructions if _SCALAR.match(line)]


def calls(instructions: list[str]) -> list[str]:
    """The functions that a function calls or ends in, by name where a relocation gives one."""
    found = []
    for line, after in zip(instructions, [*instructions[1:], ""], strict=True):
        target = _TARGET.match(after)
        if line.startswith(("call", "jmp")) and target:
            found.append(target[1])
        elif line.startswith("call"):
            found.append(line)
    return found


# Every loop over a row's formula is such a function of its translation unit.
_LOOP = re.compile(r"\(anonymous namespace\)::(?:forward|derivative)_loop(?:_of)?<")


def loops_of(functions: dict[str, list[str]]) -> dict[str, list[str]]:
    """The loops among the functions of an object file."""
    return {name: body for name, body in functions.items() if _LOOP.search(name)}


_FORMULA = re.compile(r"_loop(?:_of)?<[^{]*?(\w+)::\{lambda\([^)]*\)#(\d+)\}")
_ROW_PARTS = re.compile(r'\.name = "(\w+)"|(\[\]\((?:const )?auto)')


@cache
def formula_rows(family: str) -> list[str]:
    """The row of each formula of core/ops/<family>_rows.h, in the order of its lambdas."""
    rows, name = [], ""
    for match in _ROW_PARTS.finditer((ROOT / f"core/ops/{family}_rows.h").read_text()):
        name = match[1] or name
        if match[2]:
            rows.append(name)
    return rows


def row_of(loop: str) -> str:
    """The row that a loop is made from: gcc numbers a table's lambdas as they are written."""
    match = _FORMULA.search(loop)
    assert match, f"no formula in {loop}"
    rows = formula_rows(match[1])
    assert int(match[2]) <= len(rows), f"{loop}: {match[1]}_rows.h has {len(rows)} formulas"
    return rows[int(match[2]) - 1]


# What gcc makes of a loop that only copies or fills.
_BULK = {"memcpy", "memmove", "memset"}


def loop_faults(instructions: list[str]) -> list[str]:
    """What a loop over numbers has and must not: calls, numbers computed one by one, no vectors."""
    called = calls(instructions)
    foreign = [f"calls {name}" for name in called if name not in _BULK]
    single = [f"computes one number: {line}" for line in scalar_arithmetic(instructions)[:3]]
    moves = any(_VECTOR_MOVE.match(line) for line in instructions) or len(foreign) < len(called)
    vectors = is_packed(instructions) or moves
    return [*foreign, *single, *([] if vectors else ["touches no whole vector"])]


def widest(instructions: list[str]) -> int:
    """The widest vector register used, in bits; 0 without any."""
    text = "\n".join(instructions)
    return next((bits for bits, name in ((512, "%zmm"), (256, "%ymm"), (128, "%xmm")) if name in text), 0)
