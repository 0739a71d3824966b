"""SummaryWriter: what it hands to tensorboardX, and what it says where that is missing."""

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


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorboardX"):
        WRITER("runs/x")
