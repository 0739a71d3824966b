"""Files that somebody wrote to do harm, or that are damaged: each ends in an error, and nothing of it is run.

The corpus is generated here. Every file is loaded with `weights_only=True` in a process whose memory is limited, and a
file that runs something would create a file whose absence is checked.
"""

import io
import os
import pickle
import random
import resource
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.subject import torch

ERRORS = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError)
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
HOOKS = b"ccollections\nOrderedDict\n)R"


def integer(value: int) -> bytes:
    """An integer as pickle writes it."""
    data = value.to_bytes(max(1, (value.bit_length() + 8) // 8), "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def text(value: str) -> bytes:
    """A text as pickle writes it."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def storage(count: int = 4, key: str = "0", kind: bytes = b"ctorch\nFloatStorage\n", location: str = "cpu") -> bytes:
    """A reference to a storage."""
    return b"(" + text("storage") + kind + text(key) + text(location) + integer(count) + b"tQ"


def tensor(offset: int = 0, size: tuple = (4,), stride: tuple = (1,), **of_storage) -> bytes:
    """A pickle of a tensor of any geometry."""
    sizes = b"(" + b"".join(map(integer, size)) + b"t"
    strides = b"(" + b"".join(map(integer, stride)) + b"t"
    place = storage(**of_storage) + integer(offset) + sizes + strides
    return b"\x80\x02" + TENSOR + b"(" + place + b"\x89" + HOOKS + b"tR."


def archive(data: bytes, records=None, **options) -> bytes:
    """An archive of a pickle and of records."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as made:
        for name, content in {"data.pkl": data, **({"data/0": bytes(16)} if records is None else records)}.items():
            made.writestr("archive/" + name, content)
    return stream.getvalue()


def legacy(data: bytes, keys: list, tail: bytes = b"") -> bytes:
    """A file of the older format."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    return b"".join(pickle.dumps(part, 2) for part in head) + data + pickle.dumps(keys, 2) + tail


def calls(module: str, name: str, argument: bytes) -> bytes:
    """A pickle that calls a function."""
    return b"\x80\x02c" + module.encode() + b"\n" + name.encode() + b"\n(" + argument + b"tR."


MARK = "a file that ran"  # What a file that runs something would create.
RUNS = text(f"open({MARK!r}, 'w').close()")
# A tuple of two that are one tuple of two that are one ...: 2 ** 60 numbers in 300 bytes.
LAUGHS = b"K\x01" + b"".join(b"q" + bytes([at]) + b"h" + bytes([at]) + b"\x86" for at in range(60))
PICKLES = {
    "laughs as a reference": b"\x80\x02" + LAUGHS + b"Q.",
    "laughs as a function": b"\x80\x02" + LAUGHS + b")R.",
    "laughs as a class": b"\x80\x02" + LAUGHS + b")\x81.",
    "laughs as a key": b"\x80\x02}" + LAUGHS + b"K\x01s.",
    "laughs as a codec": calls("_codecs", "encode", text("x") + LAUGHS),
    "laughs as a layout": calls("torch.serialization", "_get_layout", LAUGHS),
    "laughs as a device": calls("torch", "device", LAUGHS),
    "laughs as a size": calls("torch", "Size", LAUGHS),
    "laughs as a storage": b"\x80\x02" + TENSOR + b"(" + LAUGHS + b"K\x00)) \x89" + HOOKS + b"tR.",
    "laughs as an item of a set": calls("builtins", "set", b"]" + LAUGHS + b"a"),
    "runs a shell": calls("os", "system", text(f"touch {MARK!r}")),
    "runs a shell by another name": calls("posix", "system", text(f"touch {MARK!r}")),
    "runs Python": calls("builtins", "exec", RUNS),
    "evaluates": calls("builtins", "eval", RUNS),
    "runs Python by its old name": calls("__builtin__", "exec", RUNS),
    "opens a file": calls("io", "open", text(MARK) + text("w")),
    "takes attributes": calls("builtins", "getattr", b"ctorch\nTensor\n" + text("__class__")),
    "names a part of a listed module": calls("torch.serialization", "os.system", text(f"touch {MARK!r}")),
    "names our own module": calls("tapeless.serialization", "os.system", text(f"touch {MARK!r}")),
    "names what a listed module imports": calls("torch._utils", "sys.modules.clear", b""),
    "loads another file": calls("torch", "load", text("other.pt")),
    "unpickles within": calls("torch.storage", "_load_from_bytes", b"U\x01."),
    "inflates": calls("_codecs", "encode", text("x") + text("zip")),
    "asks for a large bytearray": calls("builtins", "bytearray", integer(2**40)),
    "asks for a large tensor": calls("torch", "Tensor", integer(2**40)),
    "asks for a large typed tensor": calls("torch", "FloatTensor", integer(2**40)),
    "makes an object of a class that is not listed": b"\x80\x02cdecimal\nDecimal\n)\x81.",
    "makes an object by its class's name": b"\x80\x02(ios\nsystem\n.",
    "sets a function's attributes": b"\x80\x02" + TENSOR + b"}" + text("__code__") + b"Nsb.",
    "sets a class's attributes": b"\x80\x02ccollections\nOrderedDict\n}" + text("x") + b"K\x01sb.",
    "sets special attributes": b"\x80\x02" + HOOKS + b"}" + text("__class__") + b"ctorch\nTensor\nsb.",
    "calls a dtype": b"\x80\x02ctorch\nfloat32\n)R.",
    "calls a text": b"\x80\x02" + text("x") + b")R.",
    "rebuilds by another function": b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(ccollections\nOrderedDict\n"
    b"ctorch\nTensor\n)}tR.",
    "refers to a module": b"\x80\x02(" + text("module") + b"ctorch\nTensor\n" + text("a.py") + text("source") + b"tQ.",
    "refers to a number": b"\x80\x02K\x01Q.",
    "refers to another kind": b"\x80\x02(" + text("storage") + text("FloatStorage") + b"tQ.",
    "reads an extension": b"\x80\x02\x82\x01.",
    "reads a text line": b"I1\n.",
    "ends early": b"\x80\x02}(",
    "is empty": b"",
    "is only an end": b"\x80\x02.",
    "remembers nothing": b"\x80\x02q\x00.",
    "recalls what was not remembered": b"\x80\x02h\x07.",
    "recalls a far place": b"\x80\x02Nr\xff\xff\xff\xff0j\xfe\xff\xff\xff.",
    "announces a long text": b"\x80\x02X\xff\xff\xff\xffabc.",
    "announces long bytes": b"\x80\x02\x8e" + struct.pack("<Q", 2**62) + b"abc.",
    "announces a long integer": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "announces a negative integer": b"\x80\x02\x8b\xff\xff\xff\xff.",
    "has an odd number of items": b"\x80\x02}(K\x01u.",
    "has a key that cannot be hashed": b"\x80\x02}]K\x01s.",
    "has a deep key": b"\x80\x02}" + b"(" * 100_000 + b"t" * 100_000 + b"K\x01s.",
    "has a deep key in an ordered dict": b"\x80\x02ccollections\nOrderedDict\n(]("
    + b"(" * 100_000
    + b"t" * 100_000
    + b"K\x01ta"
    + b"tR.",
    "appends to a number": b"\x80\x02K\x01K\x02a.",
    "appends to itself and ends": b"\x80\x02]q\x00h\x00a",
    "names a text that is no text": b"\x80\x04K\x01K\x02\x93.",
    "has a name without an end": b"\x80\x02c" + b"a" * 100_000,
    "is not in UTF-8": b"\x80\x02X\x02\x00\x00\x00\xff\xfe.",
    "pops the mark's ground": b"\x80\x02(00000.",
    "makes a tuple of too little": b"\x80\x02K\x01\x87.",
    "reaches before the storage": tensor(offset=-1),
    "reaches behind the storage": tensor(offset=1),
    "steps backwards": tensor(offset=3, stride=(-1,)),
    "steps far": tensor(size=(2,), stride=(2**60,)),
    "overflows": tensor(size=(2**62, 4), stride=(4, 2**62)),
    "is larger than any number": tensor(size=(2**80,)),
    "has a negative size": tensor(size=(-4,)),
    "has more sizes than strides": tensor(size=(2, 2)),
    "announces more than the storage has": tensor(count=5),
    "announces a negative storage": tensor(count=-4),
    "announces a huge storage": tensor(count=2**60),
    "has a storage that is not there": tensor(key="1"),
    "has a storage elsewhere": tensor(key="../../../etc/passwd"),
    "has a storage of the pickle": tensor(key="../data.pkl"),
    "has a storage of unknown elements": tensor(kind=b"ctorch\nQInt8Storage\n"),
    "has a storage of no kind": tensor(kind=b"ctorch\nSize\n"),
    "has a storage on a place that is none": tensor(location="moon"),
    "has a huge tensor on meta": b"\x80\x02ctorch._utils\n_rebuild_meta_tensor_no_storage\n(ctorch\nfloat32\n("
    + integer(2**62)
    + integer(2**62)
    + b"t(K\x01K\x01t\x89tR.",
    "has a tensor without a storage": b"\x80\x02" + TENSOR + b"(N" + integer(0) + b"))\x89" + HOOKS + b"tR.",
    "has a layout that is none": calls("torch.serialization", "_get_layout", text("torch.float32")),
    "has a device that is none": calls("torch", "device", text("moon")),
    "has a size that is none": calls("torch", "Size", b"(" + text("x") + b"t"),
}


def good() -> bytes:
    """A whole file."""
    stream = io.BytesIO()
    torch.save({"a": torch.arange(4.0), "b": [torch.ones(2, 2), "text"]}, stream)
    return stream.getvalue()


def patched(data: bytes, at: int, value: bytes) -> bytes:
    """The bytes with others from a place on."""
    return data[:at] + value + data[at + len(value) :]


def archives() -> dict[str, bytes]:
    """Archives whose frame is wrong."""
    whole = good()
    directory, end = whole.find(b"PK\1\2"), whole.rfind(b"PK\6\6")
    entry = whole.find(b"PK\1\2", directory + 4)
    plain = tensor()
    return {
        "a record begins outside": patched(whole, entry + 42, struct.pack("<I", 2**31)),
        "a record is longer than the file": patched(whole, entry + 20, struct.pack("<II", 2**30, 2**30)),
        "two records overlap": patched(whole, entry + 42, whole[directory + 42 : directory + 46]),
        "a record has no header": patched(whole, 0, b"PK\3\5"),
        "a record has two names": whole.replace(b"archive/data/0FB", b"archive/data/7FB"),
        "the directory is elsewhere": patched(whole, end + 48, struct.pack("<Q", 7)),
        "the directory is larger": patched(whole, end + 40, struct.pack("<Q", 2**40)),
        "a byte is another": whole.replace(struct.pack("<f", 3.0), struct.pack("<f", 7.0)),
        "there is no pickle": archive(b"", {}).replace(b"data.pkl", b"date.pkl"),
        "there is no storage": archive(plain, {}),
        "a record is there twice": archive(plain, {"data/0": bytes(16), "data/x": bytes(16)}).replace(
            b"data/x", b"data/0"
        ),
        "a record leaves the folder": archive(plain, {"../../x": b"", "data/0": bytes(16)}),
        "a record is in another folder": archive(plain).replace(b"archive/data/0", b"archivf/data/0"),
        "the order of bytes is none": archive(plain, {"byteorder": b"middle", "data/0": bytes(16)}),
        "a bomb": archive(plain, {"data/0": bytes(10_000_000)}, compression=zipfile.ZIP_DEFLATED),
        "a compressed pickle": archive(plain, compression=zipfile.ZIP_DEFLATED),
        "a script": archive(b"", {"constants.pkl": b"", "code/a.py": b""}).replace(b"data.pkl", b"date.pkl"),
        "two archives follow one another": whole + whole,
        "only a beginning": b"PK\3\4" + bytes(100),
        "nothing": b"",
        "text": b"hello, world\n" * 10,
        "zeros": bytes(1000),
    }


def older() -> dict[str, bytes]:
    """Files of the older formats that are wrong."""
    reference = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("7") + text("cpu")
    ask = TENSOR + b"(" + reference + integer(4) + b"NtQK\x00K\x04\x85K\x01\x85\x89" + HOOKS + b"tR."
    huge = TENSOR + b"(" + reference + integer(2**50) + b"NtQK\x00K\x04\x85K\x01\x85\x89" + HOOKS + b"tR."
    outside = TENSOR + b"(" + reference + integer(4) + b"(" + text("8") + integer(2) + integer(9) + b"ttQK\x00)) \x89"
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as made:
        made.addfile(tarfile.TarInfo("pickle"), io.BytesIO())
    return {
        "runs a shell": legacy(PICKLES["runs a shell"], []),
        "is huge": legacy(huge, ["7"], bytes(24)),
        "has no bytes": legacy(ask, ["7"]),
        "has too few bytes": legacy(ask, ["7"], struct.pack("<q", 4) + bytes(15)),
        "has another size": legacy(ask, ["7"], struct.pack("<q", 2**40) + bytes(16)),
        "has a negative size": legacy(ask, ["7"], struct.pack("<q", -4) + bytes(16)),
        "has another key": legacy(ask, ["8"], struct.pack("<q", 4) + bytes(16)),
        "has no list of keys": legacy(ask, 3, struct.pack("<q", 4) + bytes(16)),
        "has a view outside": legacy(outside, ["7"], struct.pack("<q", 4) + bytes(16)),
        "has another magic number": pickle.dumps(3, 2),
        "has another protocol": pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(7, 2),
        "is a plain pickle": pickle.dumps({"a": 1}),
        "is a plain pickle that runs": PICKLES["runs a shell"],
        "is a tar": tar.getvalue(),
    }


def refuses(data: bytes) -> None:
    """Loading ends in an error that says something."""
    with pytest.raises(ERRORS) as caught:
        torch.load(io.BytesIO(data))
    assert str(caught.value) or isinstance(caught.value, EOFError)
    assert not isinstance(caught.value, RecursionError)


@pytest.fixture(autouse=True)
def watched(tmp_path, monkeypatch):
    """Runs in an empty folder that must stay empty, with little memory to take."""
    monkeypatch.chdir(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_that(name):
    refuses(archive(PICKLES[name]))


@pytest.mark.parametrize("name", archives())
def test_an_archive_where(name):
    refuses(archives()[name])


@pytest.mark.parametrize("name", older())
def test_an_older_file_that(name):
    refuses(older()[name])


def test_the_corpus_would_be_loaded_if_it_were_whole():
    assert torch.load(io.BytesIO(archive(tensor()))).tolist() == [0.0] * 4
    assert torch.load(io.BytesIO(good()))["a"].tolist() == [0.0, 1.0, 2.0, 3.0]
    reference = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("7") + text("cpu") + integer(4) + b"NtQ"
    ask = TENSOR + b"(" + reference + b"K\x00K\x04\x85K\x01\x85\x89" + HOOKS + b"tR."
    assert torch.load(io.BytesIO(legacy(ask, ["7"], struct.pack("<q", 4) + bytes(16)))).tolist() == [0.0] * 4


def test_every_truncated_file_is_refused():
    whole = good()
    for length in range(0, len(whole), 37):
        refuses(whole[:length])


def test_a_list_may_hold_itself_and_be_deep():
    loaded = torch.load(io.BytesIO(archive(b"\x80\x02]q\x00h\x00a.", {})))
    assert loaded[0] is loaded
    depth = 200_000
    loaded = torch.load(io.BytesIO(archive(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".", {})))
    count = 0
    while loaded:
        loaded, count = loaded[0], count + 1
    assert count == depth - 1


def test_files_with_flipped_bytes_never_crash():
    whole, draw = good(), random.Random(3)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(draw.choice([1, 2, 8])):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            torch.load(io.BytesIO(bytes(data)))
        except Exception as error:
            assert isinstance(error, ERRORS), repr(error)


def test_pickles_with_flipped_bytes_never_crash():
    with zipfile.ZipFile(io.BytesIO(good())) as opened:
        whole, draw = opened.read("archive/data.pkl"), random.Random(4)
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(draw.choice([1, 2, 8])):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            torch.load(io.BytesIO(archive(bytes(data), {"data/0": bytes(16), "data/1": bytes(16)})))
        except Exception as error:
            assert isinstance(error, ERRORS), repr(error)


def test_what_a_file_names_is_listed_without_running_it():
    listed = torch.serialization.get_unsafe_globals_in_checkpoint
    assert listed(io.BytesIO(archive(PICKLES["runs Python"]))) in (["builtins.exec"], ["__builtin__.exec"])
    assert listed(io.BytesIO(good())) == []


def test_messages_say_what_to_allow():
    data = archive(b"\x80\x02cdecimal\nDecimal\n(X\x01\x00\x00\x001tR.")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed") as caught:
        torch.load(io.BytesIO(data))
    assert "Unsupported global: GLOBAL decimal.Decimal was not an allowed global by default" in str(caught.value)
    assert "torch.serialization.add_safe_globals([decimal.Decimal])" in str(caught.value)
    from decimal import Decimal

    torch.serialization.add_safe_globals([Decimal])
    try:
        assert torch.load(io.BytesIO(data)) == Decimal(1)
    finally:
        torch.serialization.clear_safe_globals()
    with pytest.raises(pickle.UnpicklingError, match=r"unsupported GLOBAL os.system whose module os is blocked"):
        torch.load(io.BytesIO(archive(PICKLES["runs a shell"])))
    assert sys.getrecursionlimit() >= 1000
