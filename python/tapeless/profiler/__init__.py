# torch.profiler: how long the named parts and the steps of a program take.
"""`profile` times `record_function` blocks, in the steps that a schedule picks."""

import enum
import os
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from tapeless import _doors
from tapeless.autograd import profiler as _events
from tapeless.autograd.profiler import EventList, record_function

__all__ = [
    *("ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "supported_activities"),
    "tensorboard_trace_handler",
]

globals().update(_doors.answers("kineto_available", False))


class ProfilerActivity(enum.Enum):
    """Where time may be spent; here on the CPU."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(enum.Enum):
    """What a profiler does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The CPU."""
    return {ProfilerActivity.CPU}


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Cycles of so many steps each of waiting, warming up and recording, after the first steps; repeat=0 never ends."""
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError("Invalid profiler schedule arguments: numbers of steps, of which active is at least 1")

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        length = wait + warmup + active
        if skip_first_wait and step >= 0:
            step += wait
        if step < 0 or (repeat and step // length >= repeat):
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == length - 1 else ProfilerAction.RECORD

    return action


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class profile:
    """Times the `record_function` blocks within it, and each step as a block named ProfilerStep#N."""

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[["profile"], Any] | None = None,
        **settings: Any,
    ) -> None:
        self.activities = set(activities or supported_activities())
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready = on_trace_ready
        self.has_steps = schedule is not None
        self.step_num = 0
        self.profiler = _events.profile()
        self._block: record_function | None = None

    @property
    def current_action(self) -> ProfilerAction:
        """What it does in this step."""
        return self.schedule(self.step_num)

    def start(self) -> None:
        """Begins the first step."""
        self._begin()

    def stop(self) -> None:
        """Ends the last step, and hands what was recorded to on_trace_ready."""
        recording = self.current_action in _RECORDING
        self._end()
        if recording and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self) -> None:
        """Ends a step and begins the next."""
        action = self.current_action
        self._end()
        if action is ProfilerAction.RECORD_AND_SAVE and self.on_trace_ready is not None:
            self.on_trace_ready(self)
        self.step_num += 1
        if action is ProfilerAction.RECORD_AND_SAVE:
            self._saved, self.profiler = self.profiler, _events.profile()
        self._begin()

    def _begin(self) -> None:
        if self.current_action not in _RECORDING:
            return
        self.profiler.__enter__()
        if self.has_steps:
            self._block = record_function(f"ProfilerStep#{self.step_num}")
            self._block.__enter__()

    def _end(self) -> None:
        if self._block is not None:
            self._block.__exit__()
            self._block = None
        self.profiler.__exit__()

    def __enter__(self) -> "profile":
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def events(self) -> EventList:
        """The blocks that were timed, in the order in which they ended."""
        return self.profiler.function_events or getattr(self, "_saved", self.profiler).function_events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **settings: Any) -> EventList:
        """One event for each name; there are no shapes or stacks of operations to group by."""
        return self.events().key_averages()

    def export_chrome_trace(self, path: str) -> None:
        """Writes a trace that chrome://tracing and Perfetto show."""
        self.events().export_chrome_trace(path)

    def add_metadata(self, key: str, value: str) -> None:
        """Nothing is stored beside the events."""

    add_metadata_json = add_metadata


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """An on_trace_ready that writes each trace into a folder, as plain text whatever `use_gzip` says."""

    def handle(profiler: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        profiler.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return handle
