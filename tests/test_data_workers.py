"""Worker processes of loaders, and tensors that processes share: same numbers, clear errors, and no orphans."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from importlib import import_module

import numpy as np
import pytest

from tests.subject import IS_PYTORCH, SUBJECT, assert_same, torch

data = import_module(torch.__name__ + ".utils.data")
mp = import_module(torch.__name__ + ".multiprocessing")
contexts = pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])


class Numbers(data.Dataset):
    """The numbers from 0 on, each as a tensor and as it is."""

    def __init__(self, count=23):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return torch.tensor([float(index)]), index


class Stream(data.IterableDataset):
    """The numbers from 0 on, shared out among the workers."""

    def __iter__(self):
        info = data.get_worker_info()
        return iter(range(info.id, 20, info.num_workers))


class Drawn(Numbers):
    def __getitem__(self, index):
        return torch.randint(1000, (1,)).item(), random.randrange(1000), int(np.random.randint(1000))


class Raises(Numbers):
    def __getitem__(self, index):
        if index == 7:
            raise KeyError("seven is missing")
        return index


class Dies(Numbers):
    def __init__(self, how):
        super().__init__()
        self.how = how

    def __getitem__(self, index):
        if index == 7:
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(3)
        return index


class Slow(Numbers):
    def __getitem__(self, index):
        time.sleep(60)


class Large(Numbers):
    def __getitem__(self, index):
        return torch.full((300_000,), float(index))


class Unpicklable(Numbers):
    def __getitem__(self, index):
        return lambda: index


def first(batch):
    """A collate function that pickles."""
    return batch[0]


def indices(loader):
    """The indices of all batches."""
    return [batch[1].tolist() for batch in loader]


@contexts
def test_workers_give_the_batches_of_one_process_in_order(context):
    torch.manual_seed(0)
    alone = data.DataLoader(Numbers(), 5, shuffle=True)
    expected = [indices(alone), indices(alone)]
    torch.manual_seed(0)
    loader = data.DataLoader(Numbers(), 5, shuffle=True, num_workers=2, multiprocessing_context=context)
    assert [indices(loader), indices(loader)] == expected


def test_persistent_workers_stay_the_same_processes():
    loader = data.DataLoader(Numbers(), 5, num_workers=2, persistent_workers=True)
    assert indices(loader) == indices(data.DataLoader(Numbers(), 5))
    before = loader._iterator
    for _ in loader:
        break
    assert indices(loader) == indices(data.DataLoader(Numbers(), 5))
    assert loader._iterator is before


def test_streams_are_shared_out_and_end_worker_by_worker():
    batches = [batch.tolist() for batch in data.DataLoader(Stream(), 4, num_workers=3)]
    # What PyTorch 2.13.0 gives.
    assert batches == [
        [0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11], [12, 15, 18], [13, 16, 19], [14, 17],
    ]  # fmt: skip
    loader = data.DataLoader(Stream(), 4, num_workers=2, persistent_workers=True)
    assert sum(len(batch) for batch in loader) == sum(len(batch) for batch in loader) == 20


def test_random_numbers_of_workers_are_pytorchs():
    torch.manual_seed(1)
    loader = data.DataLoader(Drawn(4), 2, num_workers=2)
    assert [[part.tolist() for part in batch] for batch in loader] == DRAWN


DRAWN = [[[646, 562], [460, 529], [161, 761]], [[63, 841], [599, 431], [636, 506]]]


def tell(worker_id):
    """A worker_init_fn that leaves a trace."""
    info = data.get_worker_info()
    info.dataset.count = 100 + worker_id
    assert info.id == worker_id and info.num_workers == 2 and info.seed is not None


class Told(Numbers):
    def __getitem__(self, index):
        return self.count


def test_worker_init_fn_runs_in_each_worker_with_its_info():
    loader = data.DataLoader(Told(4), 1, num_workers=2, worker_init_fn=tell)
    assert [batch.item() for batch in loader] == [100, 101, 100, 101]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_an_exception_comes_with_the_traceback_of_its_process(context):
    with pytest.raises(KeyError) as caught:
        list(data.DataLoader(Raises(), 5, num_workers=2, multiprocessing_context=context))
    text = str(caught.value)
    assert "Caught KeyError in DataLoader worker process 1.\nOriginal Traceback (most recent call last)" in text
    assert "test_data_workers.py" in text and "seven is missing" in text


def test_a_loader_goes_on_after_an_exception():
    iterator = iter(data.DataLoader(Raises(), 5, num_workers=2))
    next(iterator)
    with pytest.raises(KeyError):
        next(iterator)
    assert next(iterator).tolist() == [10, 11, 12, 13, 14]


@pytest.mark.parametrize(("context", "how"), [("fork", "killed"), ("fork", "left"), ("forkserver", "killed")])
def test_the_death_of_a_worker_is_an_error_that_says_how(context, how):
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid") as caught:
        list(data.DataLoader(Dies(how), 5, num_workers=2, multiprocessing_context=context))
    if not IS_PYTORCH:
        assert ("killed by signal: SIGKILL" if how == "killed" else "exited unexpectedly") in str(caught.value)


def test_a_worker_that_takes_too_long_is_an_error():
    with pytest.raises(RuntimeError, match="DataLoader timed out after 0.5 seconds"):
        list(data.DataLoader(Slow(), 5, num_workers=1, timeout=0.5))


@pytest.mark.ours_differs("PyTorch waits for ever")
def test_what_cannot_be_pickled_is_an_error():
    with pytest.raises(Exception, match=r"in DataLoader worker process 0(.|\n)*pickle"):
        list(data.DataLoader(Unpicklable(), num_workers=1, collate_fn=first))


def test_large_tensors_arrive_and_are_prefetched():
    loader = data.DataLoader(Large(6), 2, num_workers=2, prefetch_factor=3)
    assert [batch[:, -1].tolist() for batch in loader] == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]


def test_no_order_is_kept_where_none_is_wanted():
    loader = data.DataLoader(Numbers(), 5, num_workers=2, in_order=False)
    assert sorted(sum(indices(loader), [])) == list(range(23))


def children():
    """The live child processes of this one."""
    import multiprocessing

    return multiprocessing.active_children()


def test_leaving_an_epoch_early_ends_the_workers():
    before = len(children())
    for _ in data.DataLoader(Numbers(), 1, num_workers=2):
        break
    limit = time.monotonic() + 5
    while len(children()) > before and time.monotonic() < limit:
        time.sleep(0.01)
    assert len(children()) == before


PROGRAM = """
    import importlib, os, sys, time
    torch = importlib.import_module({subject!r})
    data = importlib.import_module({subject!r} + ".utils.data")

    class Slow(data.Dataset):
        def __len__(self):
            return 1000

        def __getitem__(self, index):
            time.sleep(0.05)
            return index, os.getpid()

    for _, pids in data.DataLoader(Slow(), 2, num_workers=2):
        print(pids[0].item(), flush=True)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_a_program_by_a_signal_leaves_no_orphan(sent):
    program = textwrap.dedent(PROGRAM.format(subject=SUBJECT))
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = {int(running.stdout.readline()) for _ in range(6)}
    if sent == signal.SIGINT:
        os.killpg(running.pid, sent)  # As the terminal does.
    else:
        os.kill(running.pid, sent)
    running.communicate(timeout=20)
    limit = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < limit:
        time.sleep(0.05)
    assert len(pids) == 2 and not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


# Tensors between processes


def add_one(number, shared, queue):
    """What a process does with a shared tensor and a queue."""
    shared[number] += 1
    queue.put((number, torch.arange(3.0) * number))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_shared_tensors_are_seen_by_all_and_queues_carry_tensors(method):
    shared = torch.zeros(4).share_memory_()
    assert shared.is_shared() and not torch.zeros(1).is_shared()
    context = mp.get_context(method)
    queue = context.Queue()
    processes = [context.Process(target=add_one, args=(number, shared, queue)) for number in range(2)]
    for process in processes:
        process.start()
    received = dict(queue.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert_same(shared, [1.0, 1.0, 0.0, 0.0])
    assert_same(received[1], [0.0, 1.0, 2.0])


def fail(number, text):
    """A function of `spawn` that fails in one process."""
    if number == 1:
        raise ValueError(text)


def leave(number):
    """A function of `spawn` that ends its process."""
    os._exit(4)


def test_spawn_runs_a_function_in_processes_and_raises_what_it_raises():
    shared = torch.zeros(4).share_memory_()
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(add_one, args=(shared, queue), nprocs=2)
    assert_same(shared, [1.0, 1.0, 0.0, 0.0])
    with pytest.raises(mp.ProcessRaisedException, match=r"Process 1 terminated with the following error(.|\n)*oh no"):
        mp.spawn(fail, args=("oh no",), nprocs=2)
    with pytest.raises(mp.ProcessExitedException, match="process 0 terminated with exit code 4"):
        mp.start_processes(leave, nprocs=1, start_method="fork")


def test_sharing_strategies_are_named():
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
    before = mp.get_sharing_strategy()
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system"
    mp.set_sharing_strategy(before)
