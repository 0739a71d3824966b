# torch.cpu: the questions that programs ask of any device, answered by the CPU.
"""The CPU seen as a device: always there, always synchronised."""

import contextlib
from typing import Any

from tapeless import _doors

globals().update(_doors.answers("is_available is_initialized", True))
globals().update(_doors.answers("current_device", "cpu"))
globals().update(_doors.answers("device_count", 1))
globals().update(_doors.answers("synchronize set_device", None))


class Stream:
    """The one order in which the CPU works."""

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Returns at once: work is finished before a call returns."""


class Event:
    """A moment in the CPU's one order of work, always past."""

    def query(self) -> bool:
        """Always True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Nothing to note."""

    def synchronize(self) -> None:
        """Returns at once."""

    def wait(self, stream: Any = None) -> None:
        """Returns at once."""


_current = Stream()


def current_stream(device: Any = None) -> Stream:
    """The stream that is in use."""
    return _current


class StreamContext(contextlib.AbstractContextManager):
    """Makes a stream the current one within it."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        global _current
        self._before, _current = _current, self.stream or _current

    def __exit__(self, *exception: Any) -> None:
        global _current
        _current = self._before


stream = StreamContext
