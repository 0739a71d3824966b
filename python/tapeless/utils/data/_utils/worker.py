# A worker process of a loader: takes lists of keys, gives back batches, ends when the loader or its process does.
"""The loop of a worker process, and what it knows of itself."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import random
from dataclasses import dataclass
from typing import Any

import tapeless
from tapeless._utils import ExceptionWrapper

MP_STATUS_CHECK_INTERVAL = 5.0
_POLL = 1.0  # Seconds after which a worker that nobody asks looks whether anybody is there.


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker of a loader this process is: its number, of how many, its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


@dataclass(frozen=True)
class _IterableDatasetStopIteration:
    worker_id: int


@dataclass(frozen=True)
class _ResumeIteration:
    seed: int | None = None


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Which worker this process is; None in the main process."""
    return _worker_info


@dataclass
class Plan:
    """What a worker is told when it begins."""

    kind: int
    dataset: Any
    auto_collation: bool
    collate_fn: Any
    drop_last: bool
    base_seed: int
    init_fn: Any
    worker_id: int
    num_workers: int
    persistent: bool


def _seed(plan: Plan) -> int:
    """Starts the streams of random numbers of Python, NumPy and the tensors as PyTorch's workers do."""
    seed = plan.base_seed + plan.worker_id
    random.seed(seed)
    tapeless.manual_seed(seed)
    try:
        import numpy
    except ImportError:
        return seed
    parts = [plan.worker_id, plan.base_seed & 0xFFFFFFFF, plan.base_seed >> 32, 0]
    numpy.random.seed(numpy.random.SeedSequence(parts).generate_state(4))
    return seed


def _fetcher(plan: Plan) -> Any:
    """A fetcher over the dataset, or the exception that making it raised."""
    from tapeless.utils.data.dataloader import _DatasetKind

    return _DatasetKind.create_fetcher(plan.kind, plan.dataset, plan.auto_collation, plan.collate_fn, plan.drop_last)


def _packed(index: Any, data: Any) -> bytes:
    """An answer as bytes, pickled here so that what cannot be pickled is an answer too."""
    from multiprocessing.reduction import ForkingPickler

    import tapeless.multiprocessing  # noqa: F401  (teaches ForkingPickler tensors)

    return bytes(ForkingPickler.dumps((index, data)))


def _answer(index: Any, data: Any, where: str) -> bytes:
    try:
        return _packed(index, data)
    except Exception:
        return _packed(index, ExceptionWrapper(where=where))


class _Loop:
    """The state of a worker between two requests."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.where = f"in DataLoader worker process {plan.worker_id}"
        self.fetcher: Any = None
        self.failure: Any = None
        self.ended = False

    def begin(self, first: bool) -> None:
        """Runs the program's `worker_init_fn` once, and makes a fetcher for an epoch."""
        self.ended, self.failure = False, None
        try:
            if first and self.plan.init_fn is not None:
                self.plan.init_fn(self.plan.worker_id)
            self.fetcher = _fetcher(self.plan)
        except Exception:
            self.failure = ExceptionWrapper(where=self.where)

    def data(self, index: Any) -> Any:
        """The answer to one request."""
        if self.failure is not None:
            failure, self.failure = self.failure, None
            return failure
        from tapeless.utils.data.dataloader import _DatasetKind

        try:
            return self.fetcher.fetch(index)
        except Exception as error:
            if isinstance(error, StopIteration) and self.plan.kind == _DatasetKind.Iterable:
                self.ended = True
                return _IterableDatasetStopIteration(self.plan.worker_id)
            return ExceptionWrapper(where=self.where)


def _worker_loop(plan: Plan, requests: Any, answers: Any, done: Any) -> None:
    """Answers requests until None comes, the loader is done with the worker, or its process is gone."""
    parent = os.getppid()
    try:
        tapeless.set_num_threads(1)
        seed = _seed(plan)
        global _worker_info
        _worker_info = WorkerInfo(plan.worker_id, plan.num_workers, seed, plan.dataset)
        _answer_all(_Loop(plan), requests, answers, done, parent)
    except KeyboardInterrupt:
        pass  # The loader's process is interrupted too, and says so.
    finally:
        loader = multiprocessing.parent_process()
        if done.is_set() or os.getppid() != parent or (loader is not None and not loader.is_alive()):
            answers.cancel_join_thread()  # Nobody reads what is left.


def _answer_all(loop: _Loop, requests: Any, answers: Any, done: Any, parent: int) -> None:
    loop.begin(first=True)
    loader = multiprocessing.parent_process()
    ends = [loader.sentinel] if loader else []  # Ready when the loader's process is gone.
    while True:
        ready = multiprocessing.connection.wait([requests._reader, *ends], _POLL)
        if done.is_set() or os.getppid() != parent or any(end in ready for end in ends):
            return
        if not ready:
            continue
        request = requests.get()
        if request is None:
            return
        if isinstance(request, _ResumeIteration):
            loop.begin(first=False)
            answers.put(_packed(request, None))
            continue
        index, keys = request
        if not loop.ended:  # Else it was asked ahead of the end of an iterable dataset.
            answers.put(_answer(index, loop.data(keys), loop.where))
