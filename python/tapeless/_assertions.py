# torch._assert, torch._check and their kin: conditions that a program states.
"""Assertions of the namespace itself."""

from typing import Any

_UNSAID = "Expected cond to be True, but got False."


def _assert(condition: Any, message: str) -> None:
    """AssertionError with the message unless the condition holds."""
    assert condition, message


def _checker(name: str, error: type[Exception]) -> Any:
    def check(cond: Any, message: Any = None) -> None:
        if not cond:
            raise error(str(message()) if message is not None else _UNSAID)

    check.__name__ = name
    check.__doc__ = f"{error.__name__}, with what `message()` gives, unless the condition holds."
    return check


_check = _checker("_check", RuntimeError)
_check_with = _checker("_check_with", RuntimeError)
_check_index = _checker("_check_index", IndexError)
_check_value = _checker("_check_value", ValueError)
_check_type = _checker("_check_type", TypeError)
_check_not_implemented = _checker("_check_not_implemented", NotImplementedError)


def _check_is_size(i: int, message: Any = None, *, max: int | None = None) -> None:
    """RuntimeError unless the number is a size: not negative, and at most max."""
    _check(i >= 0 and (max is None or i <= max), message)
