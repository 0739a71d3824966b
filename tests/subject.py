"""The module under test: Tapeless, or the one that TAPELESS_TEST_SUBJECT names.

`TAPELESS_TEST_SUBJECT=torch pytest tests` runs the same files against PyTorch itself, which proves
that what they expect is PyTorch's. Tests marked `ours_differs` are left out of such a run.
"""

import importlib
import math
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

from tests.settings import IS_PYTORCH, SUBJECT, deferral

__all__ = [
    "IS_PYTORCH",
    "SUBJECT",
    "assert_close",
    "assert_identical",
    "assert_same",
    "deferral",
    "leaf",
    "run_alone",
    "torch",
    "values",
]

torch = importlib.import_module(SUBJECT)


def values(x: Any) -> Any:
    """What a tensor holds, as (nested) Python numbers; tuples and lists of tensors likewise."""
    if x is None or isinstance(x, (bool, int, float, complex, str)):
        return x
    if isinstance(x, (tuple, list)):
        return [values(part) for part in x]
    return x.detach().tolist()


def _flat(x: Any) -> Iterable[Any]:
    if isinstance(x, list):
        for part in x:
            yield from _flat(part)
    else:
        yield x


def _shape(x: Any) -> Any:
    return [_shape(part) for part in x] if isinstance(x, list) else None


def assert_same(actual: Any, expected: Any) -> None:
    """Equal nesting and equal numbers, bit for bit but for the payload of a NaN."""
    actual, expected = values(actual), values(expected)
    assert _shape(actual) == _shape(expected), f"{actual} has not the shape of {expected}"
    for ours, theirs in zip(_flat(actual), _flat(expected), strict=True):
        both_nan = ours != ours and theirs != theirs
        signs = _signs(ours) == _signs(theirs)
        assert both_nan or (ours == theirs and signs), f"{actual} is not {expected}"


def _signs(x: Any) -> tuple[float, ...]:
    parts = (x.real, x.imag) if isinstance(x, complex) else (x,)
    return tuple(math.copysign(1.0, p) for p in parts if isinstance(p, float))


def assert_close(actual: Any, expected: Any, rtol: float = 1e-5, atol: float = 1e-7) -> None:
    """Equal nesting, and numbers that agree within the tolerance; NaN agrees with NaN."""
    actual, expected = values(actual), values(expected)
    assert _shape(actual) == _shape(expected), f"{actual} has not the shape of {expected}"
    for ours, theirs in zip(_flat(actual), _flat(expected), strict=True):
        if ours != theirs and not (ours != ours and theirs != theirs):
            bound = atol + rtol * abs(theirs)
            assert abs(ours - theirs) <= bound, f"{actual} is not close to {expected}"


def assert_identical(x: Any, y: Any) -> None:
    """Two tensors of one dtype, shape and stride whose numbers agree bit for bit."""
    assert (x.dtype, x.shape, x.stride()) == (y.dtype, y.shape, y.stride())
    assert_same(x, y)


def leaf(data: Any, **options: Any) -> Any:
    """A leaf tensor that requires grad."""
    return torch.tensor(data, requires_grad=True, **options)


def run_alone(program: str, **environment: str) -> str:
    """What a program prints in a process of its own, with the module under test as `torch`."""
    text = f"import {SUBJECT} as torch\n" + textwrap.dedent(program)
    result = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
