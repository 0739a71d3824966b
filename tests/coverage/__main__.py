"""The command `python -m tests.coverage`: which of the names and keywords that public programs use exist here.

names.csv and keywords.csv count, in 98 public repositories that use PyTorch, how many use a name of the torch
namespace (or a keyword of it) and at how many places. A name exists if the package has it; a keyword, if the
function's signature names it or a call with it is not refused for it.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tapeless
from tools.stubs import parameters_of

HERE = Path(__file__).parent
LEVELS = (10, 3)
REQUIRED_SHARE = 0.93
OPERATIONS = "tensors and operations"

# Which area of the namespace a name belongs to: the longest prefix decides, and what has none is of the first area.
AREAS = {
    OPERATIONS: ("nn.functional",),
    "autograd and func": ("autograd", "func", "vmap", "enable_grad", "no_grad", "set_grad_enabled"),
    "modules of nn": ("nn",),
    "optim": ("optim",),
    "data, files, utilities": (
        "utils", "save", "load", "serialization", "hub", "multiprocessing", "package", "profiler", "futures",
        "Tensor.share_memory_", "ByteStorage", "masked", "nested", "jagged", "quasirandom", "Tensor.to_padded_tensor",
    ),
    "distributions": ("distributions",),
    "decompositions and transforms": ("linalg", "fft", "stft", "istft", "lu_unpack", "svd_lowrank"),
    "sparse": (
        "sparse", "Tensor.to_sparse", "Tensor._values", "Tensor._indices", "Tensor.values", "Tensor.indices",
        "Tensor.coalesce", "Tensor.is_coalesced", "Tensor.sparse_mask", "sparse_coo_tensor", "Tensor._nnz",
    ),
    "devices and precision": (
        "cuda", "xpu", "mps", "cpu", "accelerator", "backends", "amp", "autocast", "is_autocast_enabled", "Tensor.cuda",
        "get_autocast_gpu_dtype", "version.cuda", "Tensor.pin_memory", "set_float32_matmul_precision", "numa",
    ),
    "distributed": ("distributed",),
    "compilers": (
        "jit", "compile", "compiler", "_dynamo", "_inductor", "fx", "onnx", "export", "ops", "classes", "library",
        "_C", "_higher_order_ops", "_custom_op", "_logging", "_subclasses", "ao",
    ),
}  # fmt: skip

# Why a name of the first area does not exist, where that is not simply work to be done.
REASONS = {
    "Tensor.solve": "gone from PyTorch; linalg.solve",
    "Tensor.to_padded_tensor": "nested tensors only",
    "float8_e4m3fn": "no 8-bit floating point dtypes",
    "uint16": "no unsigned dtypes but uint8",
    "__config__.show": "describes PyTorch's own build",
    "functional": "an old module of functions that the namespace has itself",
    "sparse_csr_tensor": "no sparse tensors",
    "Tensor._backward_hooks": "PyTorch's own bookkeeping; register_hook",
    **dict.fromkeys(
        ("nn.functional.conv1d", "nn.functional.conv2d", "nn.functional.conv3d", "nn.functional.conv_transpose2d"),
        "comes with the convolution modules",
    ),
    **dict.fromkeys(("nn.functional.grid_sample", "nn.functional.affine_grid"), "comes with the modules of images"),
}


class Use(NamedTuple):
    """One name with the number of repositories and of places that use it."""

    name: str
    repositories: int
    places: int
    exists: bool


def find(name: str) -> Any:
    """The object of that name in the package, or None."""
    found: Any = tapeless
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            return None
    return found


def exists(name: str) -> bool:
    """Whether the package has the name; an attribute may be None."""
    owner, _, last = name.rpartition(".")
    parent = find(owner) if owner else tapeless
    return parent is not None and hasattr(parent, last)


def area_of(name: str) -> str:
    """The area whose prefix fits best."""
    best, length = OPERATIONS, 0
    for area, prefixes in AREAS.items():
        for prefix in prefixes:
            if (name == prefix or name.startswith(prefix + ".")) and len(prefix) > length:
                best, length = area, len(prefix)
    return best


def rows(file: str) -> Iterator[list[str]]:
    """The lines of a table without its head."""
    with (HERE / file).open(newline="") as lines:
        reader = csv.reader(lines)
        next(reader)
        yield from reader


def uses() -> dict[str, list[Use]]:
    """All names by area, the most used first."""
    found: dict[str, list[Use]] = {area: [] for area in AREAS}
    for name, repositories, places in rows("names.csv"):
        found[area_of(name)].append(Use(name, int(repositories), int(places), exists(name)))
    return found


def share(of: list[Use]) -> float:
    """The share of the places whose name exists."""
    total = sum(use.places for use in of)
    return sum(use.places for use in of if use.exists) / total if total else 1.0


def counts(of: list[Use], level: int) -> str:
    """How many of the names that so many repositories use exist."""
    used = [use for use in of if use.repositories >= level]
    return f"{sum(use.exists for use in used)} of {len(used)}"


def takes(name: str, keyword: str) -> bool:
    """Whether the named function takes the keyword by its own signature."""
    function = find(name)
    if isinstance(function, type):
        return True
    parameters = [p.split(":")[0].split("=")[0].strip() for p in parameters_of(function, name.rpartition(".")[2])]
    if keyword in parameters:
        return True
    try:  # Aliases such as `axis` stand in no signature: what is refused is refused by name.
        function(*([tapeless.ones(1)] if name.startswith("Tensor.") else []), **{keyword: None})
    except Exception as error:
        return f"unexpected keyword argument '{keyword}'" not in str(error)
    return True


def print_missing(operations: list[Use]) -> None:
    """What does not exist, with the number of repositories and the reason where there is one."""
    for level, above in zip(LEVELS, (sys.maxsize, *LEVELS), strict=False):
        missing = [use for use in operations if level <= use.repositories < above and not use.exists]
        print(f"missing, used by {level} repositories or more: {len(missing)}")
        for use in missing:
            print(f"    {use.name} ({use.repositories}): {REASONS.get(use.name, 'not written yet')}")


def print_keywords() -> None:
    """How many of the keywords of existing operations are taken, and which are not."""
    for level in LEVELS:
        used = [
            (name, keyword)
            for name, keyword, repositories, _ in rows("keywords.csv")
            if int(repositories) >= level and area_of(name) == OPERATIONS and exists(name)
        ]
        refused = [f"{name}({keyword}=)" for name, keyword in used if not takes(name, keyword)]
        print(f"keywords used by {level} repositories or more: {len(used) - len(refused)} of {len(used)} taken")
        if refused:
            print(f"    not taken: {', '.join(refused)}")


def main() -> int:
    """Prints the tables; 0 if operations cover the share of places that is asked for."""
    by_area = uses()
    print(f"{'area':32}{'used by >= 10':>16}{'used by >= 3':>16}{'share of call sites':>22}")
    for area, of in by_area.items():
        print(f"{area:32}{counts(of, 10):>16}{counts(of, 3):>16}{share(of):>22.1%}")
    everything = [use for of in by_area.values() for use in of]
    print(f"{'all of it':32}{counts(everything, 10):>16}{counts(everything, 3):>16}{share(everything):>22.1%}")
    operations = by_area[OPERATIONS]
    print_missing(operations)
    print_keywords()
    enough = share(operations) >= REQUIRED_SHARE
    print(f"coverage: {share(operations):.2%} of the call sites of {OPERATIONS}; {REQUIRED_SHARE:.0%} are asked for")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
