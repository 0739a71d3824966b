"""Loaders and samplers against PyTorch: `-m tests.conformance.data --loaders 300 --seed 1`.

Random loaders (datasets by index and by iteration, samplers of every kind, batches, generators, several epochs, some
with workers) run in both libraries from the same seed: the same batches in the same order, the same random numbers in
them, and the same state of the default stream afterwards.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import warnings
from typing import Any

import torch

import tapeless


class Case:
    """One loader, drawn from a seed, in one library."""

    def __init__(self, library: Any, seed: int) -> None:
        self.library, self.random = library, random.Random(seed)
        self.data = importlib.import_module(library.__name__ + ".utils.data")
        self.seed = seed

    def dataset(self) -> Any:
        """Samples that are numbers, pairs or dicts, some with a random number in each."""
        library, data, count = self.library, self.data, self.random.choice([1, 7, 20, 33])
        kind = self.random.choice(["list", "tensors", "dict", "drawn", "joined", "subset", "stream"])

        class Drawn(data.Dataset):
            def __len__(self) -> int:
                return count

            def __getitem__(self, index: int) -> Any:
                return {"i": index, "u": library.rand(2), "r": random.random()}

        class Stream(data.IterableDataset):
            def __iter__(self) -> Any:
                info = data.get_worker_info()
                first, step = (info.id, info.num_workers) if info else (0, 1)
                return iter([(i, library.rand(())) for i in range(first, count, step)])

        rows = library.arange(count * 2).view(count, 2)
        kinds = {
            "list": lambda: list(range(count)),
            "tensors": lambda: data.TensorDataset(rows, rows[:, 0] * 0.5),
            "dict": lambda: [{"x": i, "y": [float(i), str(i)]} for i in range(count)],
            "drawn": Drawn,
            "joined": lambda: data.ConcatDataset([data.TensorDataset(rows), data.TensorDataset(rows * 3)]),
            "subset": lambda: data.random_split(range(count), [0.6, 0.4])[
                self.random.choice([0, 0, 1]) if count > 1 else 0
            ],
            "stream": Stream,
        }
        return kinds[kind]()

    def sampler(self, dataset: Any) -> dict[str, Any]:
        """What says in which order the samples come."""
        data, choice = self.data, self.random
        if isinstance(dataset, data.IterableDataset):
            return {}
        count = len(dataset)
        generator = self.library.Generator().manual_seed(7) if choice.random() < 0.3 else None
        kinds = [
            lambda: {"shuffle": True, "generator": generator},
            lambda: {"shuffle": False, "generator": generator},
            lambda: {"sampler": data.RandomSampler(dataset, choice.random() < 0.5, choice.choice([5, 50]), generator)},
            lambda: {"sampler": data.WeightedRandomSampler([0.5 + i % 3 for i in range(count)], 9, True, generator)},
            lambda: {"sampler": data.SubsetRandomSampler(list(range(0, count, 2)), generator)},
            lambda: {"sampler": data.DistributedSampler(dataset, 3, 1, seed=choice.randrange(9))},
        ]
        return kinds[choice.randrange(len(kinds))]()

    def run(self, workers: bool) -> Any:
        """All that two epochs give, and the state of the default stream afterwards."""
        self.library.manual_seed(self.seed)
        random.seed(self.seed)
        dataset = self.dataset()
        options = self.sampler(dataset)
        options["batch_size"] = self.random.choice([1, 3, 4, None])
        if options["batch_size"] is not None:
            options["drop_last"] = self.random.random() < 0.3
        if workers:
            options["num_workers"] = self.random.choice([1, 2])
            options["persistent_workers"] = self.random.random() < 0.5
        loader = self.data.DataLoader(dataset, **options)
        epochs = [[plain(batch) for batch in loader] for _ in range(2)]
        return epochs, self.library.rand(3).tolist(), random.random()


def plain(value: Any) -> Any:
    """Tensors as dtype and lists, containers by their types."""
    if hasattr(value, "tolist"):
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    return value


def outcome(library: Any, seed: int, workers: bool) -> Any:
    """What a case gives, or the class of the exception that it raises."""
    try:
        return Case(library, seed).run(workers)
    except Exception as error:
        return type(error).__name__


def main() -> int:
    """Compares; prints what differs and one line of sums."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.data", description=__doc__)
    parser.add_argument("--loaders", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    failures = raised = 0
    for seed in range(arguments.seed, arguments.seed + arguments.loaders):
        workers = seed % 15 == 0
        theirs, ours = outcome(torch, seed, workers), outcome(tapeless, seed, workers)
        raised += isinstance(theirs, str)
        if theirs != ours:
            failures += 1
            print(
                f"FAIL --loaders 1 --seed {seed}: PyTorch {str(theirs)[:150]}, Tapeless {str(ours)[:150]}", flush=True
            )
    print(f"data: {arguments.loaders} loaders, {raised} of them raise, {failures} differ")
    return 1 if failures or raised > arguments.loaders // 4 else 0


if __name__ == "__main__":
    sys.exit(main())
