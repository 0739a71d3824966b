"""The object in tests/files: `TAPELESS_TEST_SUBJECT=torch python -m tests.pytorch_files` with PyTorch 2.13.0 wrote it.

One file in the zip format and one in the format before it, so that what PyTorch wrote is read in tests without PyTorch.
"""

from collections import OrderedDict
from pathlib import Path
from typing import Any

from tests.subject import torch

FOLDER = Path(__file__).with_name("files")
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128",
)  # fmt: skip


def content() -> Any:
    """Tensors of every dtype, views of one memory, parameters, a state of an optimizer, and small values."""
    base = torch.arange(12.0)
    state: Any = OrderedDict(
        (name, torch.tensor([[1, 0, 3], [2, 1, 0]], dtype=getattr(torch, name))) for name in DTYPES
    )
    state._metadata = OrderedDict([("", {"version": 1})])
    marked = torch.ones(2)
    marked.note = "kept"
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = torch.optim.SGD([weight], lr=0.5, momentum=0.5)
    (weight * weight).sum().backward()
    optimizer.step()
    return {
        "dtypes": state,
        "matrix": base.view(3, 4).t(),
        "part": base[2::3],
        "weight": weight,
        "frozen": torch.nn.Parameter(torch.zeros(1), requires_grad=False),
        "leaf": torch.ones(1, requires_grad=True),
        "marked": marked,
        "meta": torch.empty(2, 3, device="meta"),
        "empty": torch.empty(0, 3),
        "optimizer": optimizer.state_dict()["state"],
        "small": [torch.Size([2, 3]), torch.float16, torch.device("cpu"), 2.5, "text", b"\xff", (None, True), 2**70],
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    torch.save(content(), FOLDER / "pytorch_2_13.pt")
    torch.save(content(), FOLDER / "pytorch_2_13_legacy.pt", _use_new_zipfile_serialization=False)
