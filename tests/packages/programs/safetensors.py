# safetensors: tensors to a file and back, with its own library in Rust.
"""Write and read a module's parameters, whole and in slices."""

import pathlib
import tempfile

import torch
from safetensors import safe_open
from safetensors.torch import load, load_file, load_model, save, save_file, save_model
from torch import nn


def main() -> dict[str, object]:
    """What comes back from the file, and its metadata."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    halves = {
        "bf": torch.arange(6.0).bfloat16().reshape(2, 3),
        "int": torch.tensor([[1, 2], [3, 4]]),
        "half": torch.ones(3).half(),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "network.safetensors"
        save_file({**network.state_dict(), **halves}, path, metadata={"format": "pt"})
        found = load_file(path)
        with safe_open(path, framework="pt", device="cpu") as file:
            part = file.get_slice("0.weight")[1:3]
            names = sorted(file.keys())
        model = pathlib.Path(folder) / "model.safetensors"
        save_model(network, model)
        other = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        load_model(other, model)
    same = all(torch.equal(found[name], value) for name, value in {**network.state_dict(), **halves}.items())
    return {
        "same": same,
        "part": part,
        "names": str(names),
        "bytes": len(save(halves)),
        "again": load(save(halves))["bf"].float(),
        "other": other(torch.ones(1, 3)),
    }
