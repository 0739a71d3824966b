"""The CUDA text of every row compiles for a GPU; on the host it computes what the CPU loop does."""

import ctypes
import importlib.util
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.row_cases import ROWS, Row, array, assert_near, call, draw, is_condition, sizes_of, tensors
from tests.row_references import EXACT, ULPS, ULPS_OF_FLOAT64, Array, integer_values, special_values
from tests.subject import torch

core = torch._core
DTYPES = ["float32", "float64", "int32", "int64", "bool"]
# One kernel for each row's forward formula and each of its gradients, in each dtype of its domain.
KERNELS = [
    (row, which, dtype)
    for row in ROWS
    for dtype in DTYPES
    if dtype in row["dtypes"]
    for which in range(-1, row["arity"])
    if which < 0 or (dtype.startswith("float") and row["gradients"][which])
]


def name_of(row: Row, which: int, dtype: str) -> str:
    """The kernel's name."""
    return f"tl_{row['name']}_{dtype}" + (f"_gradient{which}" if which >= 0 else "")


def text_of(row: Row, which: int, dtype: str, prelude: bool = False) -> str:
    """The kernel's text."""
    return core._kernel_text(row["name"], which, getattr(torch, dtype), prelude)


@pytest.fixture(scope="module")
def kernels() -> str:
    """All kernels, without the words that they call."""
    return "\n".join(text_of(*kernel) for kernel in KERNELS)


def test_texts_are_whole_and_name_their_kernels():
    assert len(KERNELS) >= 250
    for row, which, dtype in KERNELS:
        text = text_of(row, which, dtype, prelude=True)
        assert "#include" not in text and text.startswith(core._kernel_prelude())
        assert f'extern "C" __global__ void {name_of(row, which, dtype)}(' in text
        words = set(re.findall(r"= (tl_\w+)\(", text[len(core._kernel_prelude()) :]))
        defined = set(re.findall(r"(tl_\w+)\(", core._kernel_prelude()))
        assert words <= defined


def test_literals_keep_every_digit():
    text = text_of(next(row for row in ROWS if row["name"] == "erf"), 0, "float64")
    (digits,) = re.findall(r"T\((1\.\d+)\)", text)
    assert float(digits) == 2 / np.sqrt(np.pi)


@pytest.mark.parametrize(
    ("name", "which", "dtype"), [("exp", 1, "float32"), ("exp", -1, "int32"), ("add", -1, "bfloat16")]
)
def test_a_text_that_cannot_be_is_refused(name: str, which: int, dtype: str):
    with pytest.raises(RuntimeError, match=name):
        core._kernel_text(name, which, getattr(torch, dtype))


# --- NVRTC ---


def nvrtc_library() -> Path:
    """NVRTC of the package nvidia-cuda-nvrtc; without it the test is skipped with that reason."""
    spec = importlib.util.find_spec("nvidia")
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [path for folder in folders for path in Path(folder).rglob("libnvrtc.so.*")]
    if not found:
        pytest.skip("the package nvidia-cuda-nvrtc is not installed here")
    return found[0]


class Nvrtc:
    """The few calls of NVRTC that compile one program."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(str(nvrtc_library()))

    def text(self, program: ctypes.c_void_p, what: str) -> bytes:
        """What NVRTC has to say of a compiled program: its log or its machine code."""
        size = ctypes.c_size_t()
        assert getattr(self.library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)) == 0
        buffer = ctypes.create_string_buffer(size.value)
        assert getattr(self.library, f"nvrtcGet{what}")(program, buffer) == 0
        return buffer.raw

    def compile(self, source: str) -> tuple[int, str, bytes]:
        """NVRTC's verdict, its log, and the machine code for sm_90."""
        program = ctypes.c_void_p()
        create = self.library.nvrtcCreateProgram
        assert create(ctypes.byref(program), source.encode(), b"rows.cu", 0, None, None) == 0
        options = [b"--gpu-architecture=sm_90", b"--fmad=false"]
        array_type = ctypes.c_char_p * len(options)
        verdict = self.library.nvrtcCompileProgram(program, len(options), array_type(*options))
        log = self.text(program, "ProgramLog").decode(errors="replace")
        code = self.text(program, "CUBIN") if verdict == 0 else b""
        self.library.nvrtcDestroyProgram(ctypes.byref(program))
        return verdict, log, code


def test_every_kernel_compiles_for_sm_90(kernels: str):
    verdict, log, code = Nvrtc().compile(core._kernel_prelude() + kernels)
    assert verdict == 0, log
    missing = [name for name in itertools.starmap(name_of, KERNELS) if name.encode() not in code]
    assert not missing


def test_a_kernel_that_is_wrong_does_not_compile():
    verdict, log, _ = Nvrtc().compile(core._kernel_prelude() + "__global__ void f() { tl_none(1); }")
    assert verdict != 0 and "tl_none" in log


# --- The host ---


@pytest.fixture(scope="module")
def host(kernels: str, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """All kernels compiled as loops for this machine."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if not compiler:
        pytest.skip("no C++ compiler is here: set CXX")
    folder = tmp_path_factory.mktemp("kernels")
    source, library = folder / "rows.cpp", folder / "rows.so"
    source.write_text(core._host_prelude() + core._kernel_prelude() + kernels)
    flags = "-std=c++17 -O1 -shared -fPIC -ffp-contract=off -fno-math-errno -Wno-psabi".split()
    done = subprocess.run([compiler, *flags, str(source), "-o", str(library)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:3000]
    return ctypes.CDLL(str(library))


def run(host: ctypes.CDLL, name: str, operands: list[Array], dtype: Any) -> Array:
    """One kernel over arrays."""
    count = operands[0].size
    out = np.empty(count, dtype)
    held = [np.ascontiguousarray(x) for x in operands]
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in (out, *held)]
    getattr(host, name)(*pointers, ctypes.c_longlong(count))
    return out


def numbers(row: Row, like: Array, dtype: str) -> list[Array]:
    """The operands that are numbers, as a kernel reads them: of this dtype, whose largest ones may be smaller."""
    info = np.finfo(dtype) if dtype.startswith("float") else None
    held = [0 if abs(n) > 1e9 and info is None else n for n in row["numbers"]]
    return [np.full(like.shape, n if info is None else np.clip(n, info.min, info.max), dtype) for n in held]


def samples(row: Row, dtype: str, generator: np.random.Generator) -> list[Array]:
    """Random operands, and every combination of the values at the dtype's edges."""
    special = special_values(dtype) if dtype.startswith("float") else integer_values(dtype)
    special = special[: 14 if row["arity"] == 3 else None]
    columns = [[False, True] if is_condition(row, k) else special for k in range(row["arity"])]
    edges = [np.array(x) for x in zip(*itertools.product(*columns), strict=True)]
    drawn = draw(row, dtype, (500,), generator)
    mixed = [np.concatenate([x, y.astype(x.dtype)]) for x, y in zip(drawn, edges, strict=True)]
    if row["data_errors"] and not dtype.startswith("float"):
        mixed = [x[mixed[1] > 0] for x in mixed]
    if row["name"] in ("sin", "cos", "tan"):
        mixed = [x[~(np.abs(x) > 2.0**80) | np.isinf(x)] for x in mixed]
    return mixed


FORWARD = [(row, dtype) for row, which, dtype in KERNELS if which < 0]
BACKWARD = [kernel for kernel in KERNELS if kernel[1] >= 0]


@pytest.mark.parametrize(("row", "dtype"), FORWARD, ids=[f"{r['name']}-{d}" for r, d in FORWARD])
def test_the_text_agrees_with_the_cpu_loop(host: ctypes.CDLL, row: Row, dtype: str, seed: int):
    operands = samples(row, dtype, np.random.default_rng(seed))
    expected = array(call(row, tensors(row, operands, dtype)))
    given = [*operands, *numbers(row, operands[0], dtype)]
    actual = run(host, name_of(row, -1, dtype), given, expected.dtype)
    exact = row["name"] in EXACT or not dtype.startswith("float")
    least = 4 * ULPS_OF_FLOAT64.get(row["name"], 0) if dtype == "float64" else 0
    ulps = 0 if exact else max(3, 2 * ULPS.get(row["name"], 0), least)  # Both may be off.
    assert_near(actual, expected, ulps, dtype, operands, sizes_of(row, operands, dtype))


@pytest.mark.parametrize(("row", "which", "dtype"), BACKWARD, ids=[f"{r['name']}-{w}-{d}" for r, w, d in BACKWARD])
def test_gradient_text_agrees_with_the_cpu_loop(host: ctypes.CDLL, row: Row, which: int, dtype: str, seed: int):
    generator = np.random.default_rng(seed)
    operands = samples(row, dtype, generator)
    leaves = tensors(row, operands, dtype)
    leaves[which].requires_grad_()
    out = call(row, leaves)
    g = generator.uniform(-2, 2, operands[0].shape).astype(dtype)
    (found,) = torch.autograd.grad(out, leaves[which], torch.tensor(g), allow_unused=True)
    expected = np.zeros(g.shape, dtype) if found is None else array(found)
    given = [g, *operands, *numbers(row, g, dtype), array(out)]
    actual = run(host, name_of(row, which, dtype), given, expected.dtype)
    bound = {"float32": 3e-6, "float64": 1e-14}[dtype]
    sizes = sizes_of(row, operands, dtype)
    with np.errstate(all="ignore"):
        if sizes is None:
            # Derivatives of special functions, and that of sinc, are differences of values near 1.
            least = bound * (0.1 if row["name"] in {*ULPS_OF_FLOAT64, "sinc"} else 1e-3)
            np.testing.assert_allclose(actual, expected, rtol=bound, atol=least)
        else:  # Gradients of compound formulas cancel as their values do.
            near = np.isclose(actual, expected, rtol=bound, atol=4 * bound, equal_nan=True)
            assert (near | ~np.isfinite(8 * sizes) | (sizes > 1e6)).all()
