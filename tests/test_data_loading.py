"""Datasets, samplers, collation and the loader in one process: PyTorch's orders for the same seed."""

from collections import OrderedDict, namedtuple
from importlib import import_module

import numpy as np
import pytest

from tests.subject import assert_same, torch

data = import_module(torch.__name__ + ".utils.data")
Point = namedtuple("Point", ["x", "y"])


class Numbers(data.Dataset):
    """The numbers from 0 on."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index >= self.count:
            raise IndexError(index)
        return index


class Stream(data.IterableDataset):
    """The numbers from 0 on, one after the other."""

    def __init__(self, count, announced=None):
        self.count, self.announced = count, announced

    def __iter__(self):
        return iter(range(self.count))

    def __len__(self):
        if self.announced is None:
            raise TypeError("no length")
        return self.announced


def batches(loader):
    """All batches, as lists of numbers."""
    return [batch.tolist() for batch in loader]


# Orders: facts of PyTorch 2.13.0


def test_shuffled_batches_come_in_pytorchs_order():
    torch.manual_seed(0)
    loader = data.DataLoader(Numbers(10), batch_size=4, shuffle=True)
    assert batches(loader) == ORDERS["two epochs"][0]
    assert batches(loader) == ORDERS["two epochs"][1]
    assert torch.rand(1).item() == ORDERS["after"]


def test_a_generator_gives_its_own_order():
    loader = data.DataLoader(Numbers(7), batch_size=3, shuffle=True, generator=torch.Generator().manual_seed(5))
    state = torch.get_rng_state()
    assert [batches(loader) for _ in range(2)] == ORDERS["generator"]
    assert_same(torch.get_rng_state(), state)


def test_random_samplers_draw_pytorchs_indices():
    torch.manual_seed(1)
    assert list(data.RandomSampler(range(6))) == ORDERS["plain"]
    assert list(data.RandomSampler(range(5), num_samples=12)) == ORDERS["more"]
    assert list(data.RandomSampler(range(100), replacement=True, num_samples=35)) == ORDERS["replaced"]
    assert list(data.SubsetRandomSampler([10, 20, 30, 40])) == ORDERS["subset"]
    assert list(data.WeightedRandomSampler([0.1, 0.0, 3.0, 1.0], 8)) == ORDERS["weighted"]
    assert list(data.WeightedRandomSampler([0.1, 2.0, 3.0, 1.0], 3, replacement=False)) == ORDERS["not replaced"]


def test_random_split_gives_pytorchs_parts():
    generator = torch.Generator().manual_seed(42)
    parts = data.random_split(range(10), [3, 7], generator=generator)
    assert [list(part.indices) for part in parts] == ORDERS["split"]
    parts = data.random_split(range(10), [0.5, 0.25, 0.25], generator=generator)
    assert [list(part) for part in parts] == ORDERS["fractions"]


def test_distributed_samplers_share_one_order():
    shares = [data.DistributedSampler(range(10), 3, rank, seed=2) for rank in range(3)]
    assert [list(share) for share in shares] == ORDERS["distributed"]
    for share in shares:
        share.set_epoch(1)
    assert [list(share) for share in shares] == ORDERS["next epoch"]
    dropping = [list(data.DistributedSampler(range(10), 3, rank, shuffle=False, drop_last=True)) for rank in range(3)]
    assert dropping == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


ORDERS = {
    "two epochs": [[[6, 7, 1, 4], [2, 0, 9, 8], [3, 5]], [[2, 4, 7, 0], [8, 9, 5, 3], [6, 1]]],
    "after": 0.455627977848053,
    "generator": [[[2, 4, 3], [5, 0, 6], [1]], [[4, 1, 0], [2, 3, 6], [5]]],
    "plain": [0, 3, 4, 1, 5, 2],
    "more": [4, 1, 3, 0, 2, 4, 1, 3, 0, 2, 4, 3],
    "replaced": [
        49,
        79,
        2,
        97,
        47,
        52,
        30,
        19,
        83,
        23,
        95,
        97,
        16,
        58,
        55,
        71,
        89,
        37,
        47,
        29,
        92,
        93,
        4,
        18,
        67,
        17,
        56,
        8,
        5,
        90,
        32,
        40,
        25,
        97,
        26,
    ],
    "subset": [40, 10, 20, 30],
    "weighted": [2, 2, 2, 2, 3, 2, 2, 2],
    "not replaced": [1, 2, 3],
    "split": [[2, 6, 1], [8, 4, 5, 0, 9, 3, 7]],
    "fractions": [[3, 5, 8, 9, 4, 6], [1, 0], [7, 2]],
    "distributed": [[8, 5, 0, 3], [7, 6, 4, 8], [1, 9, 2, 7]],
    "next epoch": [[6, 7, 1, 4], [0, 8, 9, 6], [3, 5, 2, 0]],
}


# Datasets


def test_datasets_of_tensors_and_of_datasets():
    rows = data.TensorDataset(torch.arange(4.0), torch.arange(8).view(4, 2))
    assert len(rows) == 4
    assert_same(list(rows[1]), [1.0, [2, 3]])
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        data.TensorDataset(torch.ones(2), torch.ones(3))
    joined = Numbers(3) + Numbers(2)
    assert [joined[i] for i in range(5)] == [0, 1, 2, 0, 1] and joined[-1] == 1 and joined.cumulative_sizes == [3, 5]
    with pytest.raises(ValueError, match="absolute value of index should not exceed"):
        joined[-6]
    assert data.StackDataset(Numbers(2), ["a", "b"])[1] == (1, "b")
    assert data.StackDataset(n=Numbers(2))[0] == {"n": 0}
    assert data.StackDataset(a=Numbers(3), b="xyz").__getitems__([2, 0]) == [{"a": 2, "b": "z"}, {"a": 0, "b": "x"}]
    with pytest.raises(ValueError, match="Size mismatch between datasets"):
        data.StackDataset([1], [1, 2])
    part = data.Subset(Numbers(9), [5, 3])
    assert len(part) == 2 and part[1] == 3 and part.__getitems__([0, 1]) == [5, 3]
    assert list(Stream(2) + Stream(3)) == [0, 1, 0, 1, 2]
    with pytest.raises(AssertionError, match="does not support IterableDataset"):
        data.ConcatDataset([Stream(1)])


def test_a_dataset_is_generic_and_must_be_written():
    assert data.Dataset[int] is not None and issubclass(data.IterableDataset, data.Dataset)
    with pytest.raises(NotImplementedError, match="Subclasses of Dataset should implement __getitem__"):
        data.Dataset()[0]


def test_splits_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="Sum of input lengths does not equal the length of the input dataset"):
        data.random_split(range(10), [3, 3])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        parts = data.random_split(range(1), [0.5, 0.5])
    assert [len(part) for part in parts] == [1, 0]


# Collation


def test_collation_of_every_kind_of_element():
    collate = data.default_collate
    assert_same(collate([torch.ones(2), torch.zeros(2)]), [[1.0, 1.0], [0.0, 0.0]])
    assert collate([1, 2]).dtype == torch.int64 and collate([1.5, 2]).dtype == torch.float64
    assert collate([True, False]).dtype == torch.bool
    assert collate(["a", "b"]) == ["a", "b"] and collate([b"a"]) == [b"a"]
    assert collate([np.float32(1), np.float32(2)]).dtype == torch.float32
    assert collate([np.ones(3, "int16")] * 2).dtype == torch.int16
    assert_same(collate([np.array(1.0), np.array(2.0)]), [1.0, 2.0])
    assert_same(collate([{"a": 1, "b": [2.0]}, {"a": 3, "b": [4.0]}])["b"][0], [2.0, 4.0])
    ordered = collate([OrderedDict(x=1), OrderedDict(x=2)])
    assert type(ordered) is OrderedDict
    point = collate([Point(1, 2.0), Point(3, 4.0)])
    assert type(point) is Point
    assert_same(point.x, [1, 3])
    pair = collate([(1, "a"), (2, "b")])
    assert isinstance(pair, (list, tuple)) and list(pair[1]) == ["a", "b"]


def test_collation_refuses_what_it_cannot_put_together():
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        data.default_collate([[1, 2], [1]])
    with pytest.raises(TypeError, match="default_collate: batch must contain tensors, numpy arrays, numbers, dicts or"):
        data.default_collate([object()])
    with pytest.raises(TypeError, match="batch must contain"):
        data.default_collate([np.array(["a"])])


def test_programs_can_teach_collation_their_own_types():
    collate = data._utils.collate

    class Own:
        pass

    table = {**collate.default_collate_fn_map, Own: lambda batch, *, collate_fn_map=None: len(batch)}
    assert collate.collate([(Own(), 1), (Own(), 2)], collate_fn_map=table)[0] == 2


def test_conversion_leaves_structure_alone():
    point = data.default_convert({"a": np.ones(2), "b": [Point(np.int64(1), "x")], "c": 3})
    assert_same(point["a"], [1.0, 1.0])
    assert point["b"][0].y == "x" and point["c"] == 3


# The loader


def test_batches_and_what_is_left():
    assert batches(data.DataLoader(Numbers(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    loader = data.DataLoader(Numbers(5), batch_size=2, drop_last=True)
    assert batches(loader) == [[0, 1], [2, 3]] and len(loader) == 2
    assert len(data.DataLoader(Numbers(5), batch_size=2)) == 3
    assert list(data.DataLoader(Numbers(3), batch_size=None)) == [0, 1, 2]
    assert batches(data.DataLoader(Numbers(9), batch_sampler=[[8, 1], [3]])) == [[8, 1], [3]]
    assert batches(data.DataLoader(Numbers(9), sampler=[4, 4, 2], batch_size=2)) == [[4, 4], [2]]
    assert list(data.DataLoader(Numbers(4), batch_size=2, collate_fn=sum)) == [1, 5]
    assert batches(data.DataLoader(Numbers(3), pin_memory=False, batch_size=3)) == [[0, 1, 2]]


def test_batches_of_a_stream():
    assert batches(data.DataLoader(Stream(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert batches(data.DataLoader(Stream(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert len(data.DataLoader(Stream(5, 5), batch_size=2)) == 3
    loader = data.DataLoader(Stream(3, 2))
    assert len(loader) == 2
    with pytest.warns(UserWarning, match="was reported to be 2"):
        assert len(list(loader)) == 3


def test_a_whole_batch_is_asked_for_at_once_where_the_dataset_can():
    class Whole(Numbers):
        def __getitems__(self, indices):
            return [index * 10 for index in indices]

    assert batches(data.DataLoader(Whole(4), batch_size=3)) == [[0, 10, 20], [30]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        ({"timeout": -1}, "timeout option should be non-negative"),
        ({"prefetch_factor": 2}, "prefetch_factor option could only be specified in multiprocessing"),
        ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
        ({"sampler": [0], "shuffle": True}, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler option is mutually exclusive with batch_size"),
        ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
        ({"batch_size": 0}, "batch_size should be a positive integer value"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context can only be used with multi-process loading"),
        ({"num_workers": 1, "multiprocessing_context": "no"}, "should specify a valid start method"),
    ],
)
def test_options_that_contradict_one_another_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        data.DataLoader(Numbers(3), **options)


def test_options_of_streams_and_fixed_attributes():
    with pytest.raises(ValueError, match="expected unspecified shuffle option"):
        data.DataLoader(Stream(3), shuffle=True)
    with pytest.raises(ValueError, match="expected unspecified sampler option"):
        data.DataLoader(Stream(3), sampler=[1])
    loader = data.DataLoader(Numbers(3))
    with pytest.raises(ValueError, match="batch_size attribute should not be set after DataLoader is initialized"):
        loader.batch_size = 2


def test_samplers_refuse_what_they_cannot_do():
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="num_samples should be a positive integer value"):
            data.RandomSampler(range(3), num_samples=wrong)
    with pytest.raises(TypeError, match="replacement should be a boolean value"):
        data.RandomSampler(range(3), replacement=1)
    with pytest.raises(ValueError, match="drop_last should be a boolean value"):
        data.BatchSampler(range(3), 1, 0)
    with pytest.raises(ValueError, match="weights should be a 1d sequence"):
        data.WeightedRandomSampler([[1.0]], 1)
    with pytest.raises(ValueError, match="Invalid rank 2"):
        data.DistributedSampler(range(3), 2, 2)


def test_the_modules_have_pytorchs_paths():
    for path, name in {
        "dataset": "Dataset", "dataloader": "DataLoader", "sampler": "Sampler", "distributed": "DistributedSampler",
        "_utils.collate": "default_collate", "_utils.worker": "WorkerInfo", "_utils.fetch": "_MapDatasetFetcher",
    }.items():  # fmt: skip
        assert hasattr(import_module(f"{torch.__name__}.utils.data.{path}"), name)
    assert data.get_worker_info() is None
