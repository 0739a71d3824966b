"""torch.save and torch.load: what comes back is what was saved, in both formats, and old files survive failures."""

import io
import os
import pickle
import stat
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import pytest

from tests.pytorch_files import DTYPES, FOLDER, content
from tests.subject import assert_same, leaf, run_alone, torch

ZIP, LEGACY = {}, {"_use_new_zipfile_serialization": False}
formats = pytest.mark.parametrize("form", [ZIP, LEGACY], ids=["zip", "legacy"])


def saved(obj, **options):
    """A stream that holds an object."""
    stream = io.BytesIO()
    torch.save(obj, stream, **options)
    stream.seek(0)
    return stream


def through(obj, form=ZIP, **options):
    """An object through a file and back."""
    return torch.load(saved(obj, **form), **options)


@formats
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weights_only", [True, False])
def test_every_dtype_comes_back_bit_for_bit(form, dtype, weights_only):
    x = torch.tensor([[1, 0, 3], [2, 1, 0]], dtype=getattr(torch, dtype))
    y = through(x, form, weights_only=weights_only)
    assert y.dtype is x.dtype and y.stride() == x.stride()
    assert y.untyped_storage().tolist() == x.untyped_storage().tolist()


@formats
def test_what_shares_memory_shares_it_after_loading(form):
    base = torch.arange(20.0)
    parts = {"row": base[2:9:3], "matrix": base.view(4, 5).t(), "other": torch.arange(20.0)}
    loaded = through(parts, form)
    assert loaded["row"].storage_offset() == 2 and loaded["row"].stride() == (3,)
    assert loaded["matrix"].stride() == (1, 5)
    loaded["row"][1] = 100.0
    assert loaded["matrix"].t().flatten()[5] == 100.0 and loaded["other"][5] == 5.0
    assert not loaded["row"]._is_view() and base[5] == 5.0


@formats
def test_one_object_stays_one_object(form):
    x, items = torch.ones(2), [1]
    loaded = through([x, x, items, items], form)
    assert loaded[0] is loaded[1] and loaded[2] is loaded[3]


@formats
def test_flags_and_attributes_come_back_and_graphs_do_not(form):
    x = leaf([1.0, 2.0])
    x.note = {"kept": True}
    (x * 2).sum().backward()
    y, computed = through([x, x * 2], form)
    assert y.requires_grad and y.note == {"kept": True} and y.grad is None
    assert computed.is_leaf and computed.requires_grad


@formats
def test_small_values_come_back(form):
    values = [
        torch.Size([2, 3]), torch.float16, torch.device("cpu"), torch.strided, None, True, 2**70, 1.5, 2j, "text",
        b"\xff", {1, 2}, (1, (2,)), OrderedDict(a=1), Counter("aab"), bytearray(b"xy"),
    ]  # fmt: skip
    loaded = through(values, form)
    assert loaded == values and list(map(type, loaded)) == list(map(type, values))


@formats
def test_metadata_of_a_state_dict_comes_back(form):
    state = OrderedDict(weight=torch.ones(2))
    state._metadata = OrderedDict([("", {"version": 1})])
    assert through(state, form)._metadata == state._metadata


def test_meta_tensors_and_empty_ones_come_back():
    x, y = through([torch.empty(3, 4, device="meta"), torch.empty(0, 3)])
    assert x.is_meta and x.shape == (3, 4) and y.shape == (0, 3) and not y.is_meta


@formats
def test_states_of_random_generators_come_back(form):
    state = torch.get_rng_state()
    drawn = torch.rand(5)
    torch.set_rng_state(through(state, form))
    assert_same(torch.rand(5), drawn)


def test_generators_are_pickled_with_their_state():
    generator = torch.Generator().manual_seed(5)
    for copied in (pickle.loads(pickle.dumps(generator)), through(generator, weights_only=False)):
        assert_same(torch.rand(3, generator=copied), torch.rand(3, generator=generator.manual_seed(5)))
        generator.manual_seed(5)


class Marked(torch.Tensor):
    pass


@formats
def test_subclasses_come_back_where_they_are_allowed(form):
    x = torch.ones(3).as_subclass(Marked)
    x.mark = 7
    with pytest.raises(pickle.UnpicklingError, match="Unsupported global: GLOBAL tests.test_files.Marked"):
        through(x, form)
    with torch.serialization.safe_globals([Marked]):
        y = through(x, form)
    assert type(y) is Marked and y.mark == 7
    assert Marked not in torch.serialization.get_safe_globals()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickle_is_written_and_read(protocol):
    loaded = through({"x": torch.arange(3.0), "s": torch.Size([1])}, {"pickle_protocol": protocol}, weights_only=False)
    assert_same(loaded["x"], [0.0, 1.0, 2.0])


@pytest.mark.ours_differs("PyTorch cannot load a storage of bytes with weights_only=True")
def test_storages_come_back():
    typed, untyped = through([torch.ones(2), torch.arange(3.0).untyped_storage()])
    assert untyped.nbytes() == 12 and typed.untyped_storage().nbytes() == 8


# Layout of archives


def test_an_archive_has_the_records_and_the_alignment_of_pytorchs(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"a": torch.ones(3), "b": torch.zeros(5, dtype=torch.int16)}, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "model/data.pkl", "model/.format_version", "model/.storage_alignment", "model/byteorder", "model/data/0",
            "model/data/1", "model/version", "model/.data/serialization_id",
        ]  # fmt: skip
        assert archive.read("model/version") == b"3\n" and archive.read("model/byteorder") == b"little"
        content = path.read_bytes()
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            names = content[entry.header_offset + 26 : entry.header_offset + 30]
            start = 30 + int.from_bytes(names[:2], "little") + int.from_bytes(names[2:], "little")
            assert (entry.header_offset + start) % 64 == 0


def test_names_in_files_are_pytorchs():
    with zipfile.ZipFile(saved([torch.ones(1), torch.float32, torch.Generator()])) as archive:
        data = archive.read("archive/data.pkl")
    assert b"ctorch._utils\n_rebuild_tensor_v2\n" in data and b"ctorch\nfloat32\n" in data
    assert b"ctorch._C\nGenerator\n" in data and b"tapeless" not in data


@pytest.mark.ours_differs("our writer is told what counts as large")
def test_records_beyond_four_gigabytes_have_fields_of_64_bits(monkeypatch):
    monkeypatch.setattr(torch.serialization._archive, "LARGEST", 100)
    stream = saved({"a": torch.arange(100.0), "b": torch.ones(2)})
    with zipfile.ZipFile(stream) as archive:
        assert archive.testzip() is None and len(archive.read("archive/data/0")) == 400
    stream.seek(0)
    assert_same(torch.load(stream)["a"], list(map(float, range(100))))


# PyTorch's own files: written by PyTorch 2.13.0, kept as they are


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("name", ["pytorch_2_13.pt", "pytorch_2_13_legacy.pt"])
def test_files_of_pytorchs_are_read(name, weights_only):
    loaded, expected = torch.load(FOLDER / name, weights_only=weights_only), content()
    assert loaded["dtypes"]._metadata == expected["dtypes"]._metadata and loaded["small"] == expected["small"]
    assert list(loaded) == list(expected) and list(loaded["dtypes"]) == list(DTYPES)
    for key in ("matrix", "part", "weight", "frozen", "leaf", "marked", "empty"):
        x, y = loaded[key], expected[key]
        assert type(x) is type(y) and (x.stride(), x.requires_grad, x.__dict__) == (
            y.stride(),
            y.requires_grad,
            y.__dict__,
        )
        assert x.storage_offset() == y.storage_offset() and x.shape == y.shape
        assert_same(x, y)
    for dtype in DTYPES:
        assert loaded["dtypes"][dtype].dtype is getattr(torch, dtype)
        assert_same(loaded["dtypes"][dtype], expected["dtypes"][dtype])
    assert_same(loaded["optimizer"][0]["momentum_buffer"], [2.0, 4.0])
    loaded["part"].zero_()
    assert loaded["matrix"].t().flatten().tolist()[2] == 0.0 and loaded["meta"].is_meta


def test_our_archive_is_pytorchs_byte_for_byte(tmp_path):
    torch.save(content(), tmp_path / "pytorch_2_13.pt")
    ours, theirs = (tmp_path / "pytorch_2_13.pt").read_bytes(), (FOLDER / "pytorch_2_13.pt").read_bytes()
    until = theirs.index(b"pytorch_2_13/.data/serialization_id")  # What follows identifies the writing.
    assert len(ours) == len(theirs) and ours[:until] == theirs[:until]


CONJUGATE = (
    b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nComplexFloatStorage\n"
    b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQK\x00K\x01\x85K\x01\x85\x89ccollections\nOrderedDict\n)R"
    b"}X\x04\x00\x00\x00conj\x88stR."
)


def archive_of(data, records):
    """A stream with an archive of a pickle and storages."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in {"data.pkl": data, **records, "version": b"3\n"}.items():
            archive.writestr("archive/" + name, content)
    stream.seek(0)
    return stream


def test_a_lazily_conjugated_tensor_of_pytorchs_is_read():
    bits = torch.tensor([1 + 2j]).numpy().tobytes()
    assert_same(torch.load(archive_of(CONJUGATE, {"data/0": bits})), [1 - 2j])


def test_the_other_order_of_bytes_is_turned_around():
    bits = torch.tensor([1 + 2j]).numpy().astype(">c8").tobytes()
    assert_same(torch.load(archive_of(CONJUGATE, {"byteorder": b"big", "data/0": bits})), [1 - 2j])


# Where storages go


def test_map_location_is_a_device_a_text_a_dict_or_a_function():
    x = torch.arange(3.0)
    assert torch.load(saved(x), map_location="meta").is_meta
    assert torch.load(saved(x), map_location=torch.device("meta")).is_meta
    assert torch.load(saved(x), map_location={"cpu": "meta"}).is_meta
    assert not torch.load(saved(x), map_location={"cuda:0": "cpu"}).is_meta
    seen = []
    y = torch.load(saved(x), map_location=lambda storage, location: seen.append((storage.nbytes(), location)))
    assert seen == [(12, "cpu")]
    assert_same(y, x)
    assert_same(torch.load(saved(x), map_location=lambda storage, location: storage), x)


@formats
def test_a_file_of_another_device_says_what_to_do(form):
    data = saved(torch.ones(1), **form).getvalue().replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    if form is ZIP:
        with zipfile.ZipFile(saved(torch.ones(1))) as archive:
            pickled = archive.read("archive/data.pkl").replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
        data = archive_of(pickled, {"data/0": b"\0\0\x80?"}).getvalue()
    with pytest.raises(RuntimeError, match=r"Attempting to deserialize object on a CUDA device but torch\.cuda\."):
        torch.load(io.BytesIO(data))
    assert_same(torch.load(io.BytesIO(data), map_location="cpu"), [1.0])


def test_locations_can_be_registered():
    registry = torch.serialization._package_registry
    before = list(registry)
    torch.serialization.register_package(
        5,
        lambda storage: "here" if storage.nbytes() == 16 else None,
        lambda storage, at: storage if at == "here" else None,
    )
    try:
        assert torch.serialization.location_tag(torch.ones(4).untyped_storage()) == "here"
        assert_same(through(torch.ones(4)), [1.0] * 4)
    finally:
        registry[:] = before
    with pytest.raises(RuntimeError, match="don't know how to restore data location"):
        torch.serialization.default_restore_location(torch.ones(1).untyped_storage(), "moon")


# Mapped files


def test_a_mapped_file_is_not_read_and_writes_stay_private(tmp_path):
    path = tmp_path / "big.pt"
    torch.save({"a": torch.arange(1000.0), "b": torch.ones(2)}, path)
    before = path.read_bytes()
    loaded = torch.load(path, mmap=True)
    assert_same(loaded["a"][998:], [998.0, 999.0])
    loaded["a"].zero_()
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        torch.load(io.BytesIO(before), mmap=True)
    torch.save(1, path, _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        torch.load(path, mmap=True)


def test_a_mapped_file_takes_no_memory_until_it_is_used(tmp_path):
    path = tmp_path / "big.pt"
    torch.save(torch.zeros(40_000_000, dtype=torch.uint8), path)
    grown = run_alone(f"""
        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * 4096
        torch.load({str(path)!r}, mmap=True)
        before = resident()
        x = torch.load({str(path)!r}, mmap=True)
        print(resident() - before, x.numel())
        """).split()
    assert int(grown[0]) < 10_000_000 and grown[1] == "40000000"


# Files on disk


@pytest.mark.ours_differs("PyTorch writes into the old file")
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "state.pt"
    torch.save(torch.ones(2), path)
    with pytest.raises(Exception, match="pickle"):
        torch.save([torch.zeros(3), lambda: 0], path)
    assert_same(torch.load(path), [1.0, 1.0])
    assert os.listdir(tmp_path) == ["state.pt"]


@pytest.mark.ours_differs("PyTorch writes into the old file")
def test_replacing_a_file_keeps_its_permissions_and_links(tmp_path):
    path, link = tmp_path / "state.pt", tmp_path / "link.pt"
    torch.save(1, path)
    path.chmod(0o640)
    link.symlink_to(path)
    torch.save(2, link)
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640 and torch.load(path) == 2
    assert run_alone(f"import os; os.umask(0o027); torch.save(1, {str(tmp_path / 'new.pt')!r})") == ""
    assert stat.S_IMODE((tmp_path / "new.pt").stat().st_mode) == 0o640


def test_paths_texts_and_open_files_are_taken(tmp_path):
    for path in (tmp_path / "a.pt", str(tmp_path / "b.pt")):
        torch.save([1], path)
        assert torch.load(path) == [1]
        with open(path, "rb") as file:
            assert torch.load(file) == [1]
    with open(tmp_path / "c.pt", "wb") as file:
        torch.save([2], file)
    assert torch.load(tmp_path / "c.pt") == [2]
    with pytest.raises(RuntimeError, match=r"Parent directory .* does not exist"):
        torch.save(1, tmp_path / "no" / "x.pt")
    with pytest.raises(FileNotFoundError):
        torch.load(Path("no.pt"))
    with pytest.raises(AttributeError, match="You can only torch.load from a file that is seekable"):
        torch.load(3)


def test_two_dtypes_over_one_memory_are_refused():
    x = torch.ones(4)
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        saved([x, x.view(torch.int32)])


def test_skipped_data_leaves_room_for_elements():
    with torch.serialization.skip_data():
        stream = saved(torch.ones(1000))
    assert len(stream.getvalue()) > 4000
    assert torch.load(stream).shape == (1000,)


# Names of the module


def test_options_of_files_are_kept():
    files = torch.serialization
    assert files.get_default_load_endianness() is None and files.get_crc32_options() is True
    files.set_default_load_endianness(files.LoadEndianness.LITTLE)
    assert files.get_default_load_endianness() is files.LoadEndianness.LITTLE
    files.set_default_load_endianness(None)
    files.set_crc32_options(False)
    try:
        assert_same(through(torch.ones(2)), [1.0, 1.0])
    finally:
        files.set_crc32_options(True)


# Plain pickle


@pytest.mark.ours_differs("PyTorch cannot unpickle a storage of bytes")
def test_plain_pickle_takes_the_small_values_and_storages():
    for value in (torch.float32, torch.device("cpu"), torch.Size([2, 3])):
        assert pickle.loads(pickle.dumps(value)) == value
    storage = pickle.loads(pickle.dumps(torch.arange(3.0).untyped_storage()))
    assert storage.nbytes() == 12


def test_a_shallow_copy_shares_the_memory():
    import copy

    x = torch.zeros(2)
    copy.copy(x)[0] = 1.0
    assert_same(x, [1.0, 0.0])


def test_flat_copies_and_their_parts():
    from importlib import import_module

    utils = import_module(torch.__name__ + "._utils")
    parts = [torch.ones(2, 2), torch.zeros(3)]
    flat = utils._flatten_dense_tensors(parts)
    assert_same(flat, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    assert [x.shape for x in utils._unflatten_dense_tensors(flat, parts)] == [(2, 2), (3,)]


# Parameters, modules and optimizers


@formats
@pytest.mark.parametrize("weights_only", [True, False])
def test_parameters_come_back_as_parameters(form, weights_only):
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    frozen.note = "kept"
    weight, other = through([torch.nn.Parameter(torch.arange(3.0)), frozen], form, weights_only=weights_only)
    assert type(weight) is type(other) is torch.nn.Parameter
    assert weight.requires_grad and not other.requires_grad and other.note == "kept"
    assert_same(weight, [0.0, 1.0, 2.0])


def test_shared_parameters_stay_shared():
    layer = torch.nn.Linear(2, 2)
    loaded = through({"a": layer.weight, "b": layer.weight})
    assert loaded["a"] is loaded["b"]


@pytest.mark.parametrize("copied", [lambda x: pickle.loads(pickle.dumps(x)), lambda x: through(x, weights_only=False)])
def test_whole_modules_come_back(copied):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.LSTM(3, 4, batch_first=True))
    again = copied(model)
    assert repr(again) == repr(model) and list(again.state_dict()) == list(model.state_dict())
    x = torch.ones(1, 5, 2)
    assert_same(again(x)[0], model(x)[0])
    again[0].weight.data.zero_()
    assert model[0].weight.abs().sum() > 0


def test_names_of_modules_in_files_are_pytorchs():
    model = torch.nn.ModuleList(
        [torch.nn.MultiheadAttention(4, 2), torch.nn.ParameterList([torch.nn.Parameter(torch.ones(1))])]
    )
    with zipfile.ZipFile(saved([model, torch.nn.functional.relu])) as archive:
        content = archive.read("archive/data.pkl")
    for name in (
        b"torch.nn.modules.activation\nMultiheadAttention\n", b"torch.nn.modules.container\nParameterList\n",
        b"torch.nn.functional\nrelu\n",
    ):  # fmt: skip
        assert name in content
    assert b"tapeless" not in content


@formats
def test_states_of_optimizers_come_back(form):
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = torch.optim.Adam([weight], lr=0.1)
    (weight**2).sum().backward()
    optimizer.step()
    state = through({"model": {"w": weight}, "optimizer": optimizer.state_dict()}, form)
    other = torch.nn.Parameter(state["model"]["w"].detach().clone())
    second = torch.optim.Adam([other], lr=0.5)
    second.load_state_dict(state["optimizer"])
    for one, its in ((weight, optimizer), (other, second)):
        its.zero_grad()
        (one**2).sum().backward()
        its.step()
    assert_same(weight, other)


@pytest.mark.ours_differs("PyTorch's storages have a type of their own there")
def test_a_file_is_memory_of_a_storage(tmp_path):
    path = tmp_path / "raw"
    path.write_bytes(bytes(range(8)))
    storage = torch.UntypedStorage.from_file(path, nbytes=8)
    assert storage.tolist() == list(range(8)) and storage[2:4].tolist() == [2, 3] and storage[2:4].nbytes() == 2
    shared = torch.UntypedStorage.from_file(path, shared=True, nbytes=8)
    shared[0] = 9
    assert path.read_bytes()[0] == 9 and storage.nbytes() == 8


def test_views_of_storages_in_old_files_share_their_memory():
    from tests.test_files_malicious import HOOKS, integer, legacy, text

    def part(key, offset, size):
        view = b"(" + text(key) + integer(offset) + integer(size) + b"t"
        kind = text("storage") + b"ctorch\nFloatStorage\n" + text("7") + text("cpu") + integer(4)
        return b"(" + kind + view + b"tQ"

    def tensor(storage, size):
        return (
            b"ctorch._utils\n_rebuild_tensor_v2\n("
            + storage
            + b"K\x00K"
            + bytes([size])
            + b"\x85K\x01\x85\x89"
            + HOOKS
            + b"tR"
        )

    pickled = b"\x80\x02]" + tensor(part("8", 0, 4), 4) + b"a" + tensor(part("9", 1, 2), 2) + b"a."
    content = (4).to_bytes(8, "little") + torch.arange(4.0).numpy().tobytes()
    whole, middle = torch.load(io.BytesIO(legacy(pickled, ["7"], content)))
    assert_same([whole, middle], [[0.0, 1.0, 2.0, 3.0], [1.0, 2.0]])
    middle.zero_()
    assert_same(whole, [0.0, 0.0, 0.0, 3.0])
