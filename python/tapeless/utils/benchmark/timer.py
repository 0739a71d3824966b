# torch.utils.benchmark's Timer and Measurement: a statement, and the times of its runs.
"""Timing a statement with as many threads as are asked for (one, unless told otherwise)."""

import enum
import statistics
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter as timer
from typing import Any

import tapeless

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


class Language(enum.Enum):
    """What a statement is written in; only Python runs."""

    PYTHON = 0
    CPP = 1


def unit_of(seconds: float) -> tuple[float, str]:
    """The unit in which a time is best written, and its name."""
    return next(((scale, name) for scale, name in _UNITS if seconds >= scale), _UNITS[-1])


@dataclass
class Measurement:
    """The times of some runs: `raw_times` in seconds, each of `number_per_run` runs of the statement."""

    number_per_run: int
    raw_times: list[float]
    task_spec: Any
    metadata: dict[Any, Any] | None = field(default=None)

    @property
    def times(self) -> list[float]:
        """Seconds for one run of the statement, of each measurement."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        """The median of the times."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """The mean of the times."""
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """The distance between the quartiles of the times."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    def __getattr__(self, name: str) -> Any:
        if name == "task_spec":  # While it is unpickled.
            raise AttributeError(name)
        return getattr(self.task_spec, name)

    def __repr__(self) -> str:
        scale, unit = unit_of(self.median)
        runs = f"{len(self.times)} measurement{'s' * (len(self.times) > 1)}, {self.number_per_run} runs per measurement"
        setup = f"\nsetup: {self.task_spec.setup}" if self.task_spec.setup != "pass" else ""
        threads = f"{self.task_spec.num_threads} thread{'s' * (self.task_spec.num_threads > 1)}"
        head = f"{self.task_spec.label or self.task_spec.stmt}{setup}"
        return f"{object.__repr__(self)}\n{head}\n  {self.median / scale:.2f} {unit}\n  {runs}, {threads}"


class Timer:
    """Times a statement of Python."""

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Language | str = Language.PYTHON,
    ) -> None:
        if language not in (Language.PYTHON, "py", "python"):
            raise RuntimeError("torch.utils.benchmark.Timer: C++ cannot be compiled against PyTorch here; write Python")
        self.stmt, self.setup, self.label, self.sub_label = stmt, setup, label, sub_label
        self.description, self.env, self.num_threads = description, env, num_threads
        names = {"torch": tapeless, **(globals or {})}
        self._timer = timeit.Timer(stmt, setup, timer, names)

    @contextmanager
    def _threads(self) -> Iterator[None]:
        before = tapeless.get_num_threads()
        tapeless.set_num_threads(self.num_threads)
        try:
            yield
        finally:
            tapeless.set_num_threads(before)

    def _measured(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self)

    def timeit(self, number: int = 1000000) -> Measurement:
        """So many runs, as one measurement."""
        with self._threads():
            self._timer.timeit(max(number // 100, 2))  # Warms up.
            return self._measured(number, [self._timer.timeit(number)])

    def repeat(self, repeat: int = -1, number: int = -1) -> Measurement:
        """Several measurements of so many runs each."""
        with self._threads():
            number = number if number > 0 else self._enough(0.1)
            return self._measured(number, self._timer.repeat(repeat if repeat > 0 else 5, number))

    def _enough(self, seconds: float) -> int:
        """How many runs take so long."""
        number = 1
        while self._timer.timeit(number) < seconds:
            number *= 10 if number < 1_000 else 2
        return number

    def blocked_autorange(self, callback: Any = None, min_run_time: float = 0.2) -> Measurement:
        """Measurements of equal numbers of runs, which take so many seconds together."""
        with self._threads():
            number = self._enough(min(min_run_time / 100, 0.01))
            times: list[float] = []
            while sum(times) < min_run_time or len(times) < 2:
                times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, times[-1])
            return self._measured(number, times)

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0, callback: Any = None
    ) -> Measurement:
        """Measurements until the quartiles lie close together, or time is up."""
        with self._threads():
            number = self._enough(min_run_time / 10)
            times: list[float] = []
            measured = self._measured(number, times)
            while sum(times) < max_run_time:
                times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, times[-1])
                settled = len(times) >= 5 and measured.iqr < threshold * measured.median
                if settled and sum(times) >= min_run_time:
                    break
            return measured

    autorange = blocked_autorange
