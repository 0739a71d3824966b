"""Files written by one library and read by the other: `-m tests.conformance.files --objects 300 --seed 1`.

Random objects (nested containers; tensors of every dtype, views of shared storages with strides and offsets,
parameters, sizes, dtypes, devices, texts, bytes) are built in both libraries by the same drawing, saved in both
formats, and loaded by the other, with and without `weights_only` and mapped. Types, bits, geometry, flags, attributes
and what shares memory must agree. The archives themselves must be equal byte for byte but for the record that
identifies the writing.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

import tapeless

DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128",
)  # fmt: skip


class Drawing:
    """Draws one object for one library; the same seed draws the same object in the other."""

    def __init__(self, library: Any, seed: int) -> None:
        self.library, self.random = library, random.Random(seed)
        self.bases: list[Any] = []

    def base(self) -> Any:
        """A vector with bits of its own, or one that was drawn before."""
        choice = self.random
        if self.bases and choice.random() < 0.5:
            return choice.choice(self.bases)
        dtype = getattr(self.library, choice.choice(DTYPES))
        count = choice.choice([0, 1, 7, 24, 24, 60])
        raw = bytearray(choice.randbytes(count * dtype.itemsize))
        if dtype is self.library.bool:
            raw = bytearray(byte & 1 for byte in raw)
        made = self.library.frombuffer(raw, dtype=dtype).clone() if raw else self.library.empty(0, dtype=dtype)
        self.bases.append(made)
        return made

    def tensor(self) -> Any:
        """A view of a base: sizes, strides and an offset within it, a flag and attributes."""
        choice, base = self.random, self.base()
        count = base.numel()
        kind = choice.choice(["whole", "part", "matrix", "spread", "meta", "empty"])
        if kind == "meta":
            return self.library.empty(3, choice.choice([0, 2]), device="meta")
        if kind == "empty":
            return base[:0]
        if count == 24 and kind == "matrix":
            return base.view(choice.choice([(4, 6), (2, 3, 4)])).transpose(0, 1)
        if count >= 7 and kind == "spread":
            return base.as_strided((2, 3), choice.choice([(1, 0), (0, 1), (3, 1), (1, 2)]), choice.choice([0, 1]))
        if count >= 7 and kind == "part":
            return base[choice.choice([1, 2]) :: choice.choice([1, 2, 3])]
        return base.detach()

    def leaf(self) -> Any:
        """A tensor or another value that files hold."""
        choice, library = self.random, self.library
        kind = choice.randrange(14)
        if kind < 7:
            return self.tensor()
        if kind == 7:
            return library.nn.Parameter(library.ones(choice.choice([(), (3,), (2, 2)])), choice.random() < 0.7)
        if kind == 8:
            return library.ones(2, requires_grad=True)
        small = [
            lambda: library.Size([choice.randrange(9), 2]),
            lambda: getattr(library, choice.choice(DTYPES)),
            lambda: library.device(choice.choice(["cpu", "meta"])),
            lambda: choice.choice([None, True, 3, -(2**70), 2.5, 1j, "text\u00e9", b"bytes\xff", "x" * 300]),
            lambda: {1, 2.5, "a"} if choice.random() < 0.2 else choice.randrange(2**40),
        ]
        return small[kind - 9]()

    def thing(self, depth: int = 0) -> Any:
        """A container of things, or a leaf."""
        choice = self.random
        kind = choice.choice(["leaf", "leaf", "list", "tuple", "dict", "ordered"]) if depth < 3 else "leaf"
        if depth == 0:
            kind = "ordered"
        if kind == "leaf":
            return self.leaf()
        items = [self.thing(depth + 1) for _ in range(choice.randrange(1, 6))]
        if items and choice.random() < 0.3:
            items.append(items[0])
        if kind in ("list", "tuple"):
            return items if kind == "list" else tuple(items)
        pairs = [(f"key{at}.weight", item) for at, item in enumerate(items)]
        if kind == "dict":
            return dict(pairs)
        made = OrderedDict(pairs)
        made._metadata = OrderedDict([("", {"version": 1})])  # type: ignore[attr-defined]
        return made


class Difference(Exception):
    """Where two objects differ."""


def _raw(x: Any) -> bytes:
    """The bits of a tensor's elements, row-major."""
    return bytes(x.untyped_storage().tolist())


class Comparison:
    """Compares an object of PyTorch with one of ours; what shares memory in one shares it in the other."""

    def __init__(self) -> None:
        self.storages: dict[int, int] = {}
        self.objects: dict[int, int] = {}

    def _demand(self, holds: bool, what: str) -> None:
        if not holds:
            raise Difference(what)

    def same(self, theirs: Any, ours: Any, path: str = "") -> None:
        """Difference unless they are the same."""
        if isinstance(theirs, torch.Tensor):
            self.same_tensor(theirs, ours, path)
            return
        names = (type(theirs).__name__, type(ours).__name__)
        self._demand(names[0] == names[1], f"{path}: {names}")
        if isinstance(theirs, (list, tuple, dict)):
            first = self.objects.setdefault(id(theirs), id(ours))
            self._demand(first == id(ours) or not theirs or isinstance(theirs, tuple), f"{path}: another object")
            self._demand(len(theirs) == len(ours), f"{path}: {len(theirs)} and {len(ours)} items")
        if isinstance(theirs, dict):
            self._demand(list(theirs) == list(ours), f"{path}: keys")
            self._demand(getattr(theirs, "_metadata", 0) == getattr(ours, "_metadata", 0), f"{path}: metadata")
            for key in theirs:
                self.same(theirs[key], ours[key], f"{path}[{key!r}]")
        elif isinstance(theirs, (list, tuple)):
            for at, (one, other) in enumerate(zip(theirs, ours, strict=True)):
                self.same(one, other, f"{path}[{at}]")
        else:
            self._demand(repr(theirs) == repr(ours), f"{path}: {theirs!r} and {ours!r}")

    def same_tensor(self, x: torch.Tensor, y: Any, path: str) -> None:
        """The same class, dtype, geometry, flag, attributes, and bytes of the storage."""
        kinds = (type(x).__name__, type(y).__name__)
        self._demand(kinds[0] == kinds[1], f"{path}: {kinds}")
        for name in ("dtype", "device", "shape", "requires_grad", "is_leaf"):
            self._demand(str(getattr(x, name)) == str(getattr(y, name)), f"{path}: {name}")
        for name in ("stride", "storage_offset"):
            self._demand(getattr(x, name)() == getattr(y, name)(), f"{path}: {name}")
        self._demand(x.__dict__ == y.__dict__, f"{path}: attributes")
        if x.is_meta or not x.untyped_storage().nbytes():
            return  # PyTorch itself gives each tensor without bytes a storage of its own when it loads.
        keys = (x.untyped_storage()._cdata, y.untyped_storage()._cdata)
        self._demand(self.storages.setdefault(keys[0], keys[1]) == keys[1], f"{path}: shares other memory")
        self._demand(len(set(self.storages.values())) == len(self.storages), f"{path}: shares memory")
        self._demand(_raw(x) == _raw(y), f"{path}: bytes")


def _equal_archives(theirs: Path, ours: Path) -> None:
    """Difference unless two archives are equal but for the identity of the writing and its check sum."""
    mine, other = bytearray(ours.read_bytes()), bytearray(theirs.read_bytes())
    if len(mine) != len(other):
        raise Difference(f"archives of {len(other)} and {len(mine)} bytes")
    with zipfile.ZipFile(theirs) as archive:
        entry = next(one for one in archive.infolist() if one.filename.endswith("serialization_id"))
    end = bytes(other).find(b"PK\1\2")  # The directory, whose last entry holds the check sum once more.
    last = bytes(other).rfind(b"PK\1\2")
    for data in (mine, other):
        data[entry.header_offset : end] = b""
        at = last - (end - entry.header_offset) + 16
        data[at : at + 4] = b""
    if mine != other:
        at = next(i for i, pair in enumerate(zip(mine, other, strict=True)) if pair[0] != pair[1])
        raise Difference(
            f"archives differ at byte {at}: {bytes(other[at : at + 20])!r} and {bytes(mine[at : at + 20])!r}"
        )


def _modes(zipped: bool) -> list[dict[str, Any]]:
    modes: list[dict[str, Any]] = [{}, {"weights_only": False}]
    return [*modes, {"mmap": True}, {"map_location": "cpu"}] if zipped else modes


def compare_one(seed: int, folder: Path) -> int:
    """Saves and loads one drawn object in all ways; how many comparisons were made."""
    theirs, ours = Drawing(torch, seed).thing(), Drawing(tapeless, seed).thing()
    Comparison().same(theirs, ours, "drawn")
    made = 0
    for zipped in (True, False):
        (folder / "a").mkdir(exist_ok=True)
        (folder / "b").mkdir(exist_ok=True)
        paths = {torch: folder / "a/object.pt", tapeless: folder / "b/object.pt"}
        protocol = random.Random(seed).choice([2, 2, 4])
        torch.save(theirs, paths[torch], pickle_protocol=2, _use_new_zipfile_serialization=zipped)
        tapeless.save(ours, paths[tapeless], pickle_protocol=2, _use_new_zipfile_serialization=zipped)
        if zipped:
            _equal_archives(paths[torch], paths[tapeless])
        for mode in _modes(zipped):
            Comparison().same(theirs, tapeless.load(paths[torch], **mode), f"by us {mode}, zip {zipped}: ")
            Comparison().same(torch.load(paths[tapeless], **mode), ours, f"by PyTorch {mode}, zip {zipped}: ")
            made += 2
        stream = io.BytesIO()
        tapeless.save(ours, stream, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
        stream.seek(0)
        Comparison().same(torch.load(stream, weights_only=False), ours, f"protocol {protocol}, zip {zipped}: ")
        made += 1
    return made


# Whole modules, pickled by the names of their classes, and functions, which modules hold.
MODULES: dict[str, Any] = {
    "Linear": lambda t: t.nn.Linear(3, 4),
    "Sequential": lambda t: t.nn.Sequential(t.nn.Linear(3, 4), t.nn.ReLU(), t.nn.Dropout(0.3)),
    "Conv2d": lambda t: t.nn.Conv2d(1, 2, 3, padding=1),
    "BatchNorm1d": lambda t: t.nn.BatchNorm1d(4),
    "LSTM": lambda t: t.nn.LSTM(3, 4, 2, bidirectional=True),
    "GRU": lambda t: t.nn.GRU(3, 4),
    "Embedding": lambda t: t.nn.Embedding(4, 5),
    "MultiheadAttention": lambda t: t.nn.MultiheadAttention(4, 2),
    "TransformerEncoderLayer": lambda t: t.nn.TransformerEncoderLayer(8, 2, 16, activation="gelu"),
    "ModuleDict": lambda t: t.nn.ModuleDict({"a": t.nn.LayerNorm(2), "b": t.nn.ModuleList([t.nn.Tanh()])}),
    "ParameterList": lambda t: t.nn.ParameterList([t.nn.Parameter(t.ones(2))]),
    "functions": lambda t: [t.relu, t.nn.functional.gelu, t.nn.functional.softmax, t.linalg.norm, t.cat, t.Tensor],
    "SGD": lambda t: t.optim.SGD([t.nn.Parameter(t.ones(2))], lr=0.1, momentum=0.9),
    "Adam": lambda t: t.optim.Adam([t.nn.Parameter(t.ones(2))], lr=0.1),
}


def compare_module(name: str) -> int:
    """Saves a module in each library and loads it in the other: the same state, attributes and text."""
    made = {}
    for library in (torch, tapeless):
        library.manual_seed(0)
        made[library] = MODULES[name](library)
    for one, other in ((torch, tapeless), (tapeless, torch)):
        stream = io.BytesIO()
        one.save(made[one], stream)
        stream.seek(0)
        loaded = other.load(stream, weights_only=False)
        if isinstance(loaded, list):
            if any(x is not y for x, y in zip(loaded, made[other], strict=True)):
                raise Difference(f"{one.__name__}'s functions are read as {loaded}")
            continue
        pair = (loaded, made[one]) if one is tapeless else (made[one], loaded)
        Comparison().same(pair[0].state_dict(), pair[1].state_dict(), f"{name} of {one.__name__}")
        if repr(loaded) != repr(made[one]):
            raise Difference(f"{one.__name__}'s {name} prints as {loaded!r}")
        mine, expected = set(loaded.__dict__), set(made[other].__dict__)
        if mine ^ expected > {"_warned_capturable_if_run_uncaptured"}:  # Only optimizers on other devices look at it.
            raise Difference(f"{one.__name__}'s {name} has other attributes: {mine ^ expected}")
    return 2


def main() -> int:
    """Compares; prints what differs and one line of sums."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.files", description=__doc__)
    parser.add_argument("--objects", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    made, failures = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.seed, arguments.seed + arguments.objects):
            try:
                made += compare_one(seed, Path(folder))
            except Exception as error:
                failures += 1
                print(f"FAIL --objects 1 --seed {seed}: {type(error).__name__}: {error}", flush=True)
    for name in MODULES:
        try:
            made += compare_module(name)
        except Exception as error:
            failures += 1
            print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
    print(
        f"files: {arguments.objects} objects and {len(MODULES)} modules and optimizers, {made} loads compared, "
        f"{failures} differ"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
