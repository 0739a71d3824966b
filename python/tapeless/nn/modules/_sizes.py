# Numbers given once for all dimensions, or once for each.
"""Tuples of a given length from what a constructor was given."""

from collections.abc import Iterable
from typing import Any


def spread(value: Any, count: int) -> tuple[Any, ...]:
    """`count` times a single value; the values themselves, if several were given."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * count
