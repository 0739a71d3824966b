# Several processes that run one function: spawn, and how their failures are told.
"""`spawn` and `start_processes`, which join the processes and raise what one of them raised."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any


class ProcessException(Exception):
    """That a process failed."""

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, error_pid

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """That the function of a process raised; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """That a process ended with a status, or by a signal."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)


def _run(function: Callable[..., Any], number: int, arguments: tuple[Any, ...], report: str) -> None:
    try:
        function(number, *arguments)
    except KeyboardInterrupt:
        pass
    except Exception:
        with open(report, "w", encoding="utf-8") as file:
            file.write(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """The processes of one `spawn`."""

    def __init__(self, processes: list[Any], error_files: list[str]) -> None:
        self.processes, self.error_files = processes, error_files
        self.sentinels = {process.sentinel: number for number, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """The processes' numbers."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Waits for one or more to end: True when all have. If one failed the others are ended, and it is raised."""
        if not self.sentinels:
            return True
        ready = multiprocessing.connection.wait(list(self.sentinels), timeout)
        failed = None
        for sentinel in ready:
            number = self.sentinels.pop(sentinel)  # type: ignore[call-overload]
            self.processes[number].join()
            if self.processes[number].exitcode != 0 and failed is None:
                failed = number
        if failed is None:
            if not self.sentinels:
                self._forget()
            return not self.sentinels
        self._end_all(grace_period)
        raise self._failure(failed)

    def _end_all(self, grace_period: float | None) -> None:
        limit = time.monotonic() + (grace_period or 0)
        for process in self.processes:
            process.join(max(0.0, limit - time.monotonic()))
            if process.is_alive():
                process.terminate()
        for process in self.processes:
            process.join(30)
            if process.is_alive():
                process.kill()
                process.join()

    def _failure(self, number: int) -> ProcessException:
        process = self.processes[number]
        with open(self.error_files[number], encoding="utf-8") as file:
            text = file.read()
        self._forget()
        if text:
            message = f"\n\n-- Process {number} terminated with the following error:\n{text}"
            return ProcessRaisedException(message, number, process.pid)
        code = process.exitcode
        name = signal.Signals(-code).name if code < 0 else None
        message = f"process {number} terminated with " + (f"signal {name}" if name else f"exit code {code}")
        return ProcessExitedException(message, number, process.pid, code, name)

    def _forget(self) -> None:
        for path in self.error_files:
            if os.path.exists(path):
                os.unlink(path)


class SpawnContext(ProcessContext):
    """The processes of `spawn`."""


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Runs fn(i, *args) in `nprocs` processes, i from 0 on; waits for all, or returns their context if not `join`.

    ProcessRaisedException with the traceback of what one raised, ProcessExitedException if one died; the others are
    ended.
    """
    context = multiprocessing.get_context(start_method)
    reports, processes = [], []
    for number in range(nprocs):
        handle, path = tempfile.mkstemp(prefix="tapeless-", suffix=".err")
        os.close(handle)
        process = context.Process(target=_run, args=(fn, number, args, path), daemon=daemon)  # type: ignore[attr-defined]
        process.start()
        reports.append(path)
        processes.append(process)
    made = ProcessContext(processes, reports)
    if not join:
        return made
    while not made.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Runs fn(i, *args) in `nprocs` new processes; see `start_processes`."""
    if start_method != "spawn":
        warnings.warn(
            f"This method only supports start_method=spawn (got: {start_method}). To use a different start_method use: "
            "torch.multiprocessing.start_processes(...)",
            FutureWarning,
            stacklevel=2,
        )
    return start_processes(fn, args, nprocs, join, daemon, "spawn")
