# torch.futures: results that come later.
"""Futures, as `torch.futures` has them."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Future(Generic[T]):
    """A value or an exception that somebody sets and others wait for."""

    def __init__(self, *, devices: Any = None) -> None:
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Future], Any]] = []
        self._value: Any = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        """Whether a value or an exception is there."""
        return self._ready.is_set()

    def wait(self) -> Any:
        """Waits for the value and gives it; raises the exception if that was set."""
        self._ready.wait()
        return self.value()

    def value(self) -> Any:
        """The value, which must be there; raises the exception if that was set."""
        if self._error is not None:
            raise self._error
        return self._value

    def set_result(self, result: Any) -> None:
        """Sets the value, once. RuntimeError if there is one."""
        self._finish(result, None)

    def set_exception(self, result: BaseException) -> None:
        """Sets the exception, once."""
        self._finish(None, result)

    def _finish(self, value: Any, error: BaseException | None) -> None:
        with self._lock:
            if self.done():
                raise RuntimeError("Future can only be marked complete once: it has a result already")
            self._value, self._error = value, error
            self._ready.set()
        for callback in self._callbacks:
            callback(self)

    def add_done_callback(self, callback: Callable[["Future"], Any]) -> None:
        """Calls it with this future when that is done, at once if it is."""
        with self._lock:
            if not self.done():
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback: Callable[["Future"], Any]) -> "Future":
        """A future of what the callback gives when this one is done."""
        result = Future()

        def run(future: Future) -> None:
            try:
                value = callback(future)
            except BaseException as error:
                result.set_exception(error)
            else:
                result.set_result(value)

        self.add_done_callback(run)
        return result


def collect_all(futures: Iterable[Future]) -> Future:
    """A future of the list of the futures, done when all of them are."""
    futures = list(futures)
    result = Future()
    left = [len(futures)]
    lock = threading.Lock()

    def one_done(_: Future) -> None:
        with lock:
            left[0] -= 1
            last = left[0] == 0
        if last:
            result.set_result(futures)

    if not futures:
        result.set_result([])
    for future in futures:
        future.add_done_callback(one_done)
    return result


def wait_all(futures: Iterable[Future]) -> list[Any]:
    """The values of all, in order."""
    return [future.wait() for future in collect_all(futures).wait()]
