"""The command `python -m tests.coverage`: which of the names and keywords that public programs use exist here.

names.csv and keywords.csv count, in 98 public repositories that use PyTorch, how many use a name of the torch
namespace (or a keyword of it) and at how many places. A name exists if the package has it; a keyword, if the
function's signature names it or a call with it is not refused for it. A name that does not exist and is out of scope
(`tapeless._scope` says why) is counted out.
"""

import csv
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tapeless
from tapeless import _scope
from tools.stubs import parameters_of

HERE = Path(__file__).parent
LEVELS = (10, 3)
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

# What the design puts out of scope, and operations and classes that are of the programs' own C++, no part of PyTorch.
OUT_OF_SCOPE = (*(_scope.SPARSE, _scope.NESTED, _scope.QUANTIZED, _scope.SCRIPT, _scope.EXPORT), _scope.COMPILED)

# Why another name does not exist, where that is not simply work to be done.
REASONS = {
    "Tensor.solve": "gone from PyTorch; linalg.solve",
    "float8_e4m3fn": "no 8-bit floating point dtypes",
    "uint16": "no unsigned dtypes but uint8",
    "distributions.Distribution.log_abs_det_jacobian": "a method of transforms, and there",
    "Tensor._backward_hooks": "PyTorch's own bookkeeping; register_hook",
}


class Use(NamedTuple):
    """One name with the number of repositories and of places that use it."""

    name: str
    repositories: int
    places: int
    exists: bool
    out: str = ""  # Why it is out of scope.


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
    try:
        return any(hasattr(place, last) for place in (parent, instances().get(owner)) if place is not None)
    except RuntimeError:  # So says torch.classes of a class that nobody registered.
        return False


@functools.cache
def instances() -> dict[str, Any]:
    """Objects of the types whose attributes programs use, some of which only an object has."""
    module = tapeless.nn.Linear(1, 1)
    optimizer = tapeless.optim.SGD(module.parameters(), lr=0.1)

    class Twice(tapeless.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    return {
        "nn.Module": module,
        "optim.Optimizer": optimizer,
        "optim.lr_scheduler.LRScheduler": tapeless.optim.lr_scheduler.ExponentialLR(optimizer, 0.9),
        "autograd.function.FunctionCtx": Twice.apply(tapeless.ones(1, requires_grad=True)).grad_fn,
    }


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
        there = exists(name)
        found[area_of(name)].append(
            Use(name, int(repositories), int(places), there, "" if there else why_out_of_scope(name))
        )
    return found


def why_out_of_scope(name: str) -> str:
    """Why the design leaves the name out; "" if it does not."""
    found = _scope.entry(name)
    return found[0] if found in OUT_OF_SCOPE else ""


def in_scope(of: list[Use], level: int = 0) -> list[Use]:
    """The names that so many repositories use, without those that are out of scope."""
    return [use for use in of if use.repositories >= level and not use.out]


def share(of: list[Use]) -> float:
    """The share of the places whose name exists, of those in scope."""
    total = sum(use.places for use in in_scope(of))
    return sum(use.places for use in of if use.exists) / total if total else 1.0


def existing(of: list[Use], level: int) -> float:
    """The share of the names in scope, used by so many repositories, that exist."""
    used = in_scope(of, level)
    return sum(use.exists for use in used) / len(used) if used else 1.0


def counts(of: list[Use], level: int) -> str:
    """How many of the names in scope that so many repositories use exist."""
    used = in_scope(of, level)
    return f"{sum(use.exists for use in used)} of {len(used)}"


def print_refusals(everything: list[Use]) -> None:
    """How much of what exists is a door that refuses: it says that it is not there, as PyTorch without it would."""
    refusing = [use for use in everything if use.exists and hasattr(find(use.name), "refuses")]
    places = sum(use.places for use in refusing)
    shown = ", ".join(use.name for use in sorted(refusing, key=lambda use: -use.repositories)[:8])
    print(f"existing names that refuse when they are called: {len(refusing)} at {places} places ({shown}, …)")


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


def print_missing(everything: list[Use]) -> None:
    """What does not exist, with the number of repositories and the reason where there is one."""
    for level, above in zip(LEVELS, (sys.maxsize, *LEVELS), strict=False):
        missing = [use for use in in_scope(everything, level) if use.repositories < above and not use.exists]
        print(f"missing, used by {level} repositories or more: {len(missing)}")
        for use in sorted(missing, key=lambda use: -use.repositories):
            print(f"    {use.name} ({use.repositories}): {REASONS.get(use.name, 'not written yet')}")


def print_out_of_scope(everything: list[Use]) -> None:
    """What is counted out, by reason."""
    reasons: dict[str, list[Use]] = {}
    for use in everything:
        if use.out:
            reasons.setdefault(use.out, []).append(use)
    for reason, out in reasons.items():
        shown = ", ".join(use.name for use in sorted(out, key=lambda use: -use.repositories)[:8])
        places = sum(use.places for use in out)
        print(f"counted out, {reason}: {len(out)} names at {places} places ({shown}{', …' if len(out) > 8 else ''})")


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
    """Prints the tables; 0 if what is in scope exists as far as is asked for."""
    by_area = uses()
    print(f"{'area':32}{'used by >= 10':>16}{'used by >= 3':>16}{'share of call sites':>22}")
    for area, of in by_area.items():
        print(f"{area:32}{counts(of, 10):>16}{counts(of, 3):>16}{share(of):>22.1%}")
    everything = [use for of in by_area.values() for use in of]
    print(f"{'all of it':32}{counts(everything, 10):>16}{counts(everything, 3):>16}{share(everything):>22.1%}")
    print_missing(everything)
    print_out_of_scope(everything)
    print_keywords()
    print_refusals(everything)
    enough = True
    for what, found, required in (
        ("names used by 10 repositories or more", existing(everything, 10), 1.0),
        ("names used by 3 repositories or more", existing(everything, 3), 0.9),
        ("call sites", share(everything), 0.98),
    ):
        enough = enough and found >= required
        print(f"coverage: {found:.2%} of the {what} in scope; {required:.0%} are asked for")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
