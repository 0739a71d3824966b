"""SummaryWriter: what it hands to tensorboardX, and what it writes where that is missing."""

import struct
import sys
import types
from importlib import import_module

import numpy as np
import pytest

from tests.subject import torch

pytestmark = pytest.mark.ours_differs("PyTorch writes through the package tensorboard")
WRITER = import_module(torch.__name__ + ".utils.tensorboard").SummaryWriter if torch.__name__ == "tapeless" else None


@pytest.fixture
def calls(monkeypatch):
    """A stand-in for tensorboardX that notes what it is asked to write."""
    noted = []

    class Recorder:
        logdir, file_writer = "runs/x", None

        def __init__(self, *args, **kwargs):
            noted.append(("made", args, kwargs))

        def __getattr__(self, name):
            return lambda *args, **kwargs: noted.append((name, args, kwargs))

    package = types.ModuleType("tensorboardX")
    package.SummaryWriter = Recorder
    monkeypatch.setitem(sys.modules, "tensorboardX", package)
    return noted


def test_tensors_arrive_as_numbers_and_arrays(calls):
    with WRITER("runs/x", comment="c") as writer:
        writer.add_scalar("loss", torch.tensor(1.5, requires_grad=True), torch.tensor(3))
        writer.add_scalars("both", {"a": torch.tensor(1.0), "b": 2}, 1)
        writer.add_histogram("h", torch.ones(3, dtype=torch.bfloat16), 2)
        writer.add_image("i", torch.zeros(3, 2, 2), 0)
        writer.add_hparams({"lr": torch.tensor(0.5)}, {"accuracy": torch.tensor(1.0)})
        writer.add_text("t", "hello")
    made, loss, both, histogram, image, hparams, text, closed = calls
    assert made[1][:2] == ("runs/x", "c") and writer.get_logdir() == "runs/x"
    assert loss == ("add_scalar", ("loss", 1.5, 3, None), {}) and type(loss[1][1]) is float
    assert both[1][1] == {"a": 1.0, "b": 2}
    assert histogram[1][1].dtype == np.float32 and image[1][1].shape == (3, 2, 2)
    assert hparams[1][:2] == ({"lr": 0.5}, {"accuracy": 1.0}) and text[1][1] == "hello" and closed[0] == "close"


def test_what_cannot_be_written_says_so(calls):
    with pytest.raises(RuntimeError, match=r"add_graph: .*TorchScript"):
        WRITER("runs/x").add_graph(None)
    with pytest.raises(TypeError, match="hparam_dict and metric_dict should be dictionary"):
        WRITER("runs/x").add_hparams([], {})


def _records(folder):
    """The messages of the folder's event file, by the lengths that precede them."""
    (path,) = folder.glob("events.out.tfevents.*")
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        found.append(data[12 : 12 + length])
        data = data[16 + length :]
    return found


@pytest.fixture
def without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)


def test_scalars_texts_histograms_and_images_need_no_package(tmp_path, without_the_package):
    with WRITER(str(tmp_path)) as writer:
        writer.add_scalar("loss", torch.tensor(1.5), 300)
        writer.add_text("note", "hello")
        writer.add_histogram("h", torch.tensor([1.0, 2.0, 2.0]), 1, bins=[0, 1.5, 3])
        writer.add_image("i", torch.ones(3, 2, 2), 1)
        writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 1)
    version, loss, note, histogram, image = _records(tmp_path)
    assert version.endswith(b"\x1a\x0dbrain.Event:2")
    # Fields: step 300 as a varint, then the summary's value: the tag, and 1.5 as a float.
    assert loss.endswith(b"\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15" + struct.pack("<f", 1.5))
    assert b"note/text_summary" in note and note.endswith(b"hello")
    assert struct.pack("<3d", 0, 1.5, 3) in histogram and histogram.endswith(struct.pack("<3d", 0, 1, 2))
    assert b"\x89PNG" in image
    assert len(_records(tmp_path / "both_a")) == len(_records(tmp_path / "both_b")) == 2


def test_records_carry_the_masked_checksum(tmp_path, without_the_package):
    events = import_module("tapeless.utils.tensorboard.events")
    crc = 0xE3069283  # CRC-32C of "123456789", the check value of RFC 3720's polynomial.
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert events._checksum(b"123456789") == struct.pack("<I", masked)


def test_a_writer_goes_on_after_close(tmp_path, without_the_package):
    writer = WRITER(str(tmp_path))
    writer.close()
    writer.add_scalar("late", 1.0)
    writer.close()
    assert len(_records(tmp_path)) == 2


def test_a_missing_package_is_named(tmp_path, without_the_package):
    with WRITER(str(tmp_path)) as writer, pytest.raises(ModuleNotFoundError, match="add_hparams.*pip install tensor"):
        writer.add_hparams({"lr": 1.0}, {"accuracy": 1.0})
