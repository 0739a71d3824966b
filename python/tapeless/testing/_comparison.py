# assert_close: comparison of tensors, numbers and containers of them, with messages that say where and by how much.
"""What torch.testing compares, and how it says what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tapeless
from tapeless import _core
from tapeless._core import Tensor

# (rtol, atol) of each dtype where none is given; other dtypes must be equal.
_TOLERANCES = {
    _core.float16: (1e-3, 1e-5),
    _core.bfloat16: (1.6e-2, 1e-5),
    _core.float32: (1.3e-6, 1e-5),
    _core.float64: (1e-7, 1e-7),
    _core.complex64: (1.3e-6, 1e-5),
    _core.complex128: (1e-7, 1e-7),
}
_DTYPES = {bool: _core.bool, int: _core.int64, float: _core.float64, complex: _core.complex128}


class _Options:
    """What an assertion asks of each pair."""

    def __init__(self, rtol: Any, atol: Any, checks: dict[str, bool], equal_nan: bool, allow_subclasses: bool) -> None:
        if (rtol is None) != (atol is None):
            missing = "rtol" if rtol is None else "atol"
            raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
        self.rtol, self.atol = rtol, atol
        self.checks, self.equal_nan, self.allow_subclasses = checks, equal_nan, allow_subclasses

    def tolerances(self, *dtypes: Any) -> tuple[float, float]:
        """The given tolerances, or the larger ones of the dtypes."""
        return get_tolerances(*dtypes, rtol=self.rtol, atol=self.atol)


def get_tolerances(*inputs: Any, rtol: Any = None, atol: Any = None) -> tuple[float, float]:
    """(rtol, atol) as given, or the largest that the dtypes (or tensors) ask for."""
    if rtol is not None and atol is not None:
        return rtol, atol
    pairs = [_TOLERANCES.get(getattr(x, "dtype", x), (0.0, 0.0)) for x in inputs]
    return max(r for r, _ in pairs), max(a for _, a in pairs)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raises AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere.

    Tensors, NumPy arrays, numbers, None, and sequences and mappings of these. rtol and atol come together; without
    them they follow from the dtypes: 1.3e-6 and 1e-5 for float32, 1e-7 both for float64, 1e-3 and 1e-5 for
    float16, 1.6e-2 and 1e-5 for bfloat16; other dtypes must be equal. No derivative.
    """
    checks = {"device": check_device, "dtype": check_dtype, "layout": check_layout, "stride": check_stride}
    options = _Options(rtol, atol, checks, equal_nan, allow_subclasses)
    with tapeless.no_grad():
        found = _difference(actual, expected, options, [])
    if found is None:
        return
    if msg is not None:
        found = msg(found) if callable(msg) else msg
    raise AssertionError(found)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """The older form of assert_close: other dtypes and devices are fine, and NaN equals NaN."""
    if not isinstance(actual, Tensor):
        actual = tapeless.tensor(actual)
    if not isinstance(expected, Tensor):
        expected = tapeless.tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        rtol, atol = get_tolerances(actual, expected)
    assert_close(
        actual,
        expected,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=False,
        check_dtype=False,
        msg=msg or None,
    )


def _difference(actual: Any, expected: Any, options: _Options, path: list[Any]) -> str | None:
    """What differs, or None; `path` is where in the containers."""
    if _both(actual, expected, Mapping):
        return _of_mappings(actual, expected, options, path)
    if (
        _both(actual, expected, Sequence)
        and not isinstance(actual, (str, bytes))
        and not isinstance(expected, (str, bytes))
    ):
        return _of_sequences(actual, expected, options, path)
    found = _of_values(actual, expected, options)
    if found is not None and path:
        found += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in path)}"
    return found


def _both(actual: Any, expected: Any, kind: Any) -> bool:
    return isinstance(actual, kind) and isinstance(expected, kind)


def _of_mappings(actual: Any, expected: Any, options: _Options, path: list[Any]) -> str | None:
    missing = [key for key in expected if key not in actual]
    additional = [key for key in actual if key not in expected]
    if missing or additional:
        text = "The keys of the mappings do not match:"
        text += f"\nMissing keys in the actual mapping: {sorted(missing, key=str)}" if missing else ""
        return text + (f"\nAdditional keys in the actual mapping: {sorted(additional, key=str)}" if additional else "")
    return _first(((key, actual[key], expected[key]) for key in sorted(actual, key=str)), options, path)


def _of_sequences(actual: Any, expected: Any, options: _Options, path: list[Any]) -> str | None:
    if len(actual) != len(expected):
        return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}"
    return _first(((at, a, e) for at, (a, e) in enumerate(zip(actual, expected, strict=True))), options, path)


def _first(items: Any, options: _Options, path: list[Any]) -> str | None:
    for key, actual, expected in items:
        found = _difference(actual, expected, options, [*path, key])
        if found is not None:
            return found
    return None


def _of_values(actual: Any, expected: Any, options: _Options) -> str | None:
    if actual is None or expected is None:
        return None if actual is expected else f"None mismatch: {actual} is not {expected}"
    if _both(actual, expected, (bool, _numpy_bool())):
        return None if bool(actual) == bool(expected) else f"Booleans mismatch: {actual} is not {expected}"
    if _both(actual, expected, (int, float, complex)):
        return _of_numbers(actual, expected, options)
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if not related or not (options.allow_subclasses or type(actual) is type(expected)):
        return _no_pair(actual, expected)
    tensors = [
        x if isinstance(x, Tensor) else tapeless.as_tensor(x) if _core._is_array(x) else None
        for x in (actual, expected)
    ]
    if any(x is None for x in tensors):
        return _no_pair(actual, expected)
    return _of_tensors(*tensors, options)


def _numpy_bool() -> Any:
    import sys

    numpy = sys.modules.get("numpy")
    return numpy.bool_ if numpy else bool


def _no_pair(actual: Any, expected: Any) -> Any:
    raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")


def _of_numbers(actual: Any, expected: Any, options: _Options) -> str | None:
    if options.checks["dtype"] and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    rtol, atol = options.tolerances(*(_DTYPES[type(x)] for x in (actual, expected)))
    return _of_two(actual, expected, rtol, atol, options.equal_nan)


def _of_two(actual: Any, expected: Any, rtol: float, atol: float, equal_nan: bool) -> str | None:
    """Two numbers; infinities are close to themselves alone."""
    if actual == expected or (equal_nan and actual != actual and expected != expected):
        return None
    gap = abs(actual - expected)
    finite = abs(actual) != float("inf") and abs(expected) != float("inf")
    if finite and gap <= atol + rtol * abs(expected):
        return None
    relative = gap / abs(expected) if expected else float("inf")
    if not rtol and not atol:
        return (
            f"Scalars are not equal!\n\nExpected {expected} but got {actual}.\nAbsolute difference: {gap}\n"
            f"Relative difference: {relative}"
        )
    return (
        f"Scalars are not close!\n\nExpected {expected} but got {actual}.\n"
        f"Absolute difference: {gap} (up to {atol} allowed)\nRelative difference: {relative} (up to {rtol} allowed)"
    )


def _of_tensors(actual: Tensor, expected: Tensor, options: _Options) -> str | None:
    found = _of_attributes(actual, expected, options)
    if found is not None or actual.is_meta or expected.is_meta:
        return found
    rtol, atol = options.tolerances(actual.dtype, expected.dtype)
    if actual.dtype is not expected.dtype:
        common = tapeless.promote_types(actual.dtype, expected.dtype)
        actual, expected = actual.to(common), expected.to(common)
    close = tapeless.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if bool(close.all()):
        return None
    if actual.dim() == 0:
        return _of_two(actual.item(), expected.item(), rtol, atol, options.equal_nan)
    return _described(actual, expected, close, rtol, atol)


def _of_attributes(actual: Tensor, expected: Tensor, options: _Options) -> str | None:
    asked = {
        "shape": (actual.shape, expected.shape, True),
        "device": (actual.device, expected.device, options.checks["device"]),
        "dtype": (actual.dtype, expected.dtype, options.checks["dtype"]),
        "stride()": (actual.stride(), expected.stride(), options.checks["stride"]),
    }
    for name, (of_actual, of_expected, wanted) in asked.items():
        if wanted and of_actual != of_expected:
            return f"The values for attribute {name!r} do not match: {of_actual} != {of_expected}."
    return None


def _described(actual: Tensor, expected: Tensor, close: Tensor, rtol: float, atol: float) -> str:
    """How many elements differ, and the largest differences with their places."""
    count, total = int((~close).sum()), close.numel()
    text = f"Tensor-likes are not {'close' if rtol or atol else 'equal'}!\n\n"
    text += f"Mismatched elements: {count} / {total} ({count / total:.1%})\n"
    wide = actual.dtype if actual.is_floating_point() or actual.is_complex() else _core.int64
    actual, expected = actual.to(wide), expected.to(wide)
    gap = (actual - expected).abs()
    gap = tapeless.where(close, tapeless.zeros_like(gap), gap)
    text += _largest("absolute", gap, atol, rtol or atol)
    share = gap / expected.abs()
    share = tapeless.where(close, tapeless.zeros_like(share), share)
    return text + "\n" + _largest("relative", share, rtol, rtol or atol)


def _largest(kind: str, of: Tensor, allowed: float, tolerant: float) -> str:
    at = int(of.flatten().argmax())
    place = []
    for size in reversed(of.shape):
        at, index = divmod(at, size)
        place.append(index)
    index = tuple(reversed(place))
    text = f"Greatest {kind} difference: {of[index].item()} at index {index}"
    return text + (f" (up to {allowed} allowed)" if tolerant else "")
