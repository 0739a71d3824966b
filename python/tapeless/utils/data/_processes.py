# The iterator over what worker processes make, and their beginning and end.
"""Workers of a DataLoader: requests go to each in turn, answers are given out in order.

Each worker has two queues of its own. The loader keeps no writing end of an answers' queue, so the death of a worker,
even in the middle of an answer, is seen at once and never waited for.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import pickle
import queue
import signal
import time
from typing import Any

from tapeless._utils import ExceptionWrapper
from tapeless.utils.data._utils import worker
from tapeless.utils.data.dataloader import DataLoader, _BaseDataLoaderIter, _DatasetKind


class _Worker:
    """A process, its queues, and whether it still answers."""

    def __init__(self, context: Any, plan: worker.Plan, done: Any) -> None:
        self.requests, self.answers = context.Queue(), context.Queue()
        self.requests.cancel_join_thread()
        self.active = True
        self.process = context.Process(
            target=worker._worker_loop, args=(plan, self.requests, self.answers, done), daemon=True
        )
        self.process.start()
        self.answers._writer.close()

    def take(self) -> Any:
        """The answer that waits, if it is whole; EOFError if the worker died while it wrote it."""
        return pickle.loads(self.answers.get())

    def how_it_ended(self) -> str:
        """A sentence on the process's end."""
        self.process.join(1)
        code = self.process.exitcode
        if code is not None and code < 0:
            reason = signal.Signals(-code)
            killed = f"DataLoader worker (pid {self.process.pid}) is killed by signal: {reason.name}. "
            return killed + ("It may have used too much memory. " if reason == signal.SIGKILL else "")
        return f"DataLoader worker (pid(s) {self.process.pid}) exited unexpectedly with status {code}. "


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """One epoch, or all of a loader with `persistent_workers`, by processes."""

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        context = loader.multiprocessing_context or multiprocessing
        self._prefetch_factor, self._in_order = loader.prefetch_factor, loader.in_order
        self._workers: list[_Worker] = []
        self._shutdown = False
        self._owner = os.getpid()  # A process that a worker's fork copied the iterator into does not end the workers.
        self._done = context.Event()
        try:
            for number in range(self._num_workers):
                self._workers.append(_Worker(context, self._plan(loader, number), self._done))
        except BaseException:
            self._shutdown_workers()
            raise
        self._start_epoch()

    def _plan(self, loader: DataLoader, number: int) -> worker.Plan:
        return worker.Plan(
            kind=self._dataset_kind,
            dataset=self._dataset,
            auto_collation=self._auto_collation,
            collate_fn=self._collate_fn,
            drop_last=self._drop_last,
            base_seed=self._base_seed,
            init_fn=loader.worker_init_fn,
            worker_id=number,
            num_workers=self._num_workers,
            persistent=self._persistent_workers,
        )

    def _start_epoch(self) -> None:
        self._sent = self._given = 0  # Requests so far, and the number of the next answer to give out.
        self._asked: dict[int, int] = {}  # Which worker was asked for each request that waits.
        self._early: dict[int, Any] = {}  # Answers that came before their turn.
        self._turn = 0
        for one in self._workers:
            one.active = True
        for _ in range((self._prefetch_factor or 1) * self._num_workers):
            self._ask()

    def _reset(self, loader: DataLoader, first_iter: bool = False) -> None:
        while any(index not in self._early for index in self._asked):
            self._receive()  # What the epoch before asked for, and its end did not take.
        super()._reset(loader, first_iter)
        for one in self._workers:
            one.requests.put(worker._ResumeIteration())
        waiting = set(range(self._num_workers))
        while waiting:
            number, (index, _) = self._wait(waiting)
            if isinstance(index, worker._ResumeIteration):
                waiting.discard(number)
        self._start_epoch()

    # --- requests ---

    def _ask(self) -> None:
        """Sends the next keys to the next worker that is active, in turn."""
        if len(self._asked) >= (self._prefetch_factor or 1) * self._num_workers:
            return
        for step in range(self._num_workers):
            number = (self._turn + step) % self._num_workers
            if self._workers[number].active:
                break
        else:
            return
        try:
            keys = self._next_index()
        except StopIteration:
            return
        self._turn = number + 1
        self._workers[number].requests.put((self._sent, keys))
        self._asked[self._sent] = number
        self._sent += 1

    # --- answers ---

    def _wait(self, numbers: Any) -> tuple[int, Any]:
        """The next answer of one of these workers; RuntimeError if one dies, or the time is over."""
        readers = {self._workers[number].answers._reader: number for number in numbers}
        ends = {self._workers[number].process.sentinel: number for number in numbers}
        limit = time.monotonic() + self._timeout if self._timeout > 0 else None
        while True:
            left = None if limit is None else max(0.0, limit - time.monotonic())
            ready = multiprocessing.connection.wait([*readers, *ends], left)
            full = [readers[one] for one in ready if one in readers]
            for number in full:
                try:
                    return number, self._workers[number].take()
                except (EOFError, OSError, queue.Empty):
                    self._fail(self._workers[number].how_it_ended())
            if ready:
                self._fail(self._workers[ends[ready[0]]].how_it_ended())
            if limit is not None:
                self._fail(f"DataLoader timed out after {self._timeout} seconds")

    def _fail(self, message: str) -> None:
        self._shutdown_workers(patience=0.0)
        raise RuntimeError(message)

    def _receive(self) -> tuple[int, Any] | None:
        """An answer, or None where a worker says that its dataset is at its end."""
        waiting = {number for index, number in self._asked.items() if index not in self._early}
        number, (index, data) = self._wait({n for n in waiting if self._workers[n].active})
        if isinstance(data, worker._IterableDatasetStopIteration):
            self._workers[number].active = False
            if not self._persistent_workers:
                self._workers[number].requests.put(None)
            for asked, whose in list(self._asked.items()):
                if whose == number and asked not in self._early:
                    del self._asked[asked]
            self._ask()
            return None
        self._early[index] = data
        return index, data

    def _next_data(self) -> Any:
        while True:
            if self._shutdown:
                raise StopIteration
            found = self._due()
            if found is not None:
                return self._take(found)
            if not self._asked:
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            try:
                self._receive()
            except BaseException:
                self._shutdown_workers()
                raise

    def _due(self) -> int | None:
        """The number of an answer that may be given out now."""
        if not self._in_order:
            return next(iter(self._early), None)
        while self._given < self._sent and self._given not in self._asked:
            self._given += 1
        return self._given if self._given in self._early else None

    def _take(self, index: int) -> Any:
        data = self._early.pop(index)
        del self._asked[index]
        self._ask()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    # --- the end ---

    def _shutdown_workers(self, patience: float = worker.MP_STATUS_CHECK_INTERVAL) -> None:
        """Ends the processes: asked first, after some seconds by signals."""
        if self._shutdown:
            return
        self._shutdown = True
        self._done.set()
        for one in self._workers:
            one.requests.put(None)
        limit = time.monotonic() + patience
        for one in self._workers:
            one.answers._reader.close()  # A worker that is writing notices.
            one.process.join(max(0.0, limit - time.monotonic()))
        for one in self._workers:
            if one.process.is_alive():
                one.process.terminate()
                one.process.join(1)
            if one.process.is_alive():
                one.process.kill()
                one.process.join()
            one.requests.close()
            one.process.close()

    def __del__(self) -> None:
        if not getattr(self, "_shutdown", True) and self._owner == os.getpid():
            self._shutdown_workers()


__all__ = ["_DatasetKind", "_MultiProcessingDataLoaderIter"]
