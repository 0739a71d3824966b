# torch.autograd.profiler: how long the named parts of a program take.
"""Times of `record_function` blocks. Operations are not timed one by one: fused ones run together."""

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from tapeless import _doors

__all__ = ["EventList", "FunctionEvent", "emit_itt", "emit_nvtx", "profile", "record_function"]

_local = threading.local()
_profilers: list["profile"] = []


class FunctionEvent:
    """One block, or all blocks of a name: how often it ran, and for how long, in microseconds."""

    def __init__(self, name: str, start: float, end: float, thread: int, inner: float = 0.0) -> None:
        self.name = self.key = name
        self.start, self.end, self.thread, self.count = start, end, thread, 1
        self.cpu_time_total = end - start
        self.self_cpu_time_total = self.cpu_time_total - inner
        self.device_time_total = self.self_device_time_total = 0.0
        self.cuda_time_total = self.self_cuda_time_total = 0.0
        self.is_user_annotation, self.stack = True, []

    @property
    def cpu_time(self) -> float:
        """Microseconds for one run."""
        return self.cpu_time_total / self.count

    def add(self, other: "FunctionEvent") -> "FunctionEvent":
        """Counts another in."""
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        return self

    def __repr__(self) -> str:
        return f"<FunctionEvent name={self.name} count={self.count} cpu_time_total={self.cpu_time_total:.3f}us>"


class EventList(list):
    """Events, which can be summed up, printed and stored."""

    def key_averages(self, *args: Any, **kwargs: Any) -> "EventList":
        """One event for each name, in the order in which they first appear."""
        found: dict[str, FunctionEvent] = {}
        for event in self:
            if event.key in found:
                found[event.key].add(event)
            else:
                found[event.key] = FunctionEvent(event.name, 0.0, 0.0, event.thread).add(event)
                found[event.key].count = event.count
        return EventList(found.values())

    def total_average(self) -> FunctionEvent:
        """All events as one."""
        return functools.reduce(FunctionEvent.add, self, FunctionEvent("Total", 0.0, 0.0, 0))

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in all blocks, each counted once."""
        return sum(event.self_cpu_time_total for event in self)

    def table(self, sort_by: str | None = None, row_limit: int = 100, **settings: Any) -> str:
        """The events as a table, the largest first."""
        rows = sorted(self, key=lambda e: getattr(e, sort_by or "", 0.0), reverse=True) if sort_by else list(self)
        width = max([len(event.key) for event in rows] + [4])
        line = "-" * (width + 58)
        head = f"{'Name':>{width}}  {'Self CPU':>12}  {'CPU total':>12}  {'CPU time avg':>12}  {'# of Calls':>12}"
        cells = [
            f"{e.key:>{width}}  {_time(e.self_cpu_time_total):>12}  {_time(e.cpu_time_total):>12}  "
            f"{_time(e.cpu_time):>12}  {e.count:>12}"
            for e in rows[: row_limit if row_limit >= 0 else None]
        ]
        return "\n".join([line, head, line, *cells, line, f"Self CPU time total: {_time(self.self_cpu_time_total)}\n"])

    def export_chrome_trace(self, path: str) -> None:
        """Writes the events as a trace that chrome://tracing and Perfetto show."""
        events = [
            {"name": e.name, "ph": "X", "ts": e.start, "dur": e.end - e.start, "pid": 0, "tid": e.thread, "cat": "user"}
            for e in self
        ]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events}, file)

    def __str__(self) -> str:
        return self.table()


def _time(microseconds: float) -> str:
    for limit, scale, unit in ((1e6, 1e6, "s"), (1e3, 1e3, "ms")):
        if microseconds >= limit:
            return f"{microseconds / scale:.3f}{unit}"
    return f"{microseconds:.3f}us"


def _now() -> float:
    return time.perf_counter_ns() / 1000


class record_function(contextlib.ContextDecorator):
    """A named part of a program, as a context manager or a decorator; every profiler that is running times it."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> "record_function":
        stack = vars(_local).setdefault("stack", [])
        stack.append([_now(), 0.0])  # When it began, and the time in blocks within it.
        return self

    def __exit__(self, *exception: Any) -> None:
        start, inner = _local.stack.pop()
        end = _now()
        if _local.stack:
            _local.stack[-1][1] += end - start
        event = FunctionEvent(self.name, start, end, threading.get_ident(), inner)
        for profiler in _profilers:
            profiler._take(event)


class profile:
    """Times the `record_function` blocks within it."""

    def __init__(self, enabled: bool = True, **settings: Any) -> None:
        self.enabled = enabled
        self.function_events = EventList()

    def _take(self, event: FunctionEvent) -> None:
        self.function_events.append(event)

    def __enter__(self) -> "profile":
        if self.enabled:
            _profilers.append(self)
        return self

    def __exit__(self, *exception: Any) -> None:
        if self in _profilers:
            _profilers.remove(self)

    def key_averages(self, *args: Any, **kwargs: Any) -> EventList:
        """One event for each name."""
        return self.function_events.key_averages()

    def total_average(self) -> FunctionEvent:
        """All events as one."""
        return self.function_events.total_average()

    def table(self, *args: Any, **kwargs: Any) -> str:
        """The events as a table."""
        return self.function_events.table(*args, **kwargs)

    def export_chrome_trace(self, path: str) -> None:
        """Writes the events as a trace for chrome://tracing."""
        self.function_events.export_chrome_trace(path)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in all blocks."""
        return self.function_events.self_cpu_time_total

    def __str__(self) -> str:
        return str(self.function_events)


def _external(name: str, why: str) -> Callable[..., Any]:
    return _doors.refusing(name, RuntimeError, f"torch.autograd.profiler.{name}: {why}; use torch.profiler.profile")


emit_nvtx = _external("emit_nvtx", "NVIDIA's profilers need a CUDA device")
emit_itt = _external("emit_itt", "Intel's profilers are not served")
globals().update(_doors.answers("kineto_available", False))
