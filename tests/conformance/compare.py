"""What one result shows to a program, and how two results differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.testing._comparison import default_tolerances
from torch.testing._internal.common_device_type import toleranceOverride

from .convert import dtype_name, read
from .library import Library

ERROR_CLASSES = (NotImplementedError, RuntimeError, ValueError, TypeError, IndexError)


@dataclass(frozen=True)
class Reason:
    """One way in which a sample disagrees: the promise that broke, and how."""

    stage: str
    text: str
    as_near: bool = False  # the numbers differ by no more than PyTorch's own error against float64


@dataclass
class Tolerance:
    """PyTorch's default tolerance per dtype, widened by the OpInfo's own where it has one."""

    own: dict[torch.dtype, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, info: Any) -> Tolerance:
        """The overrides that PyTorch's own comparison tests apply on the CPU."""
        own: dict[torch.dtype, tuple[float, float]] = {}
        for entry in info.decorators:
            applies = getattr(entry, "cls_name", "") in (None, "TestCommon")
            if not applies or entry.device_type not in (None, "cpu"):
                continue
            overrides = [x for x in entry.decorators if isinstance(x, toleranceOverride)]
            for dtype, given in (pair for override in overrides for pair in override.d.items()):
                old = own.get(dtype, (0.0, 0.0))
                own[dtype] = (max(old[0], given.rtol), max(old[1], given.atol))
        return cls(own)

    def at(self, dtype: torch.dtype) -> tuple[float, float]:
        """(relative, absolute) for one dtype."""
        relative, absolute = default_tolerances(dtype)
        own = self.own.get(dtype, (0.0, 0.0))
        return max(relative, own[0]), max(absolute, own[1])


def error_class(error: BaseException) -> str:
    """The promised class of an exception: the first of `ERROR_CLASSES` it derives from."""
    for kind in type(error).__mro__:
        if kind in ERROR_CLASSES:
            return kind.__name__
    return type(error).__name__


def brief(error: BaseException) -> str:
    """Class and first line of an exception."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:110]}"


@dataclass
class Facts:
    """What a program sees of one tensor; `value` is read last, so that deferral stays in play."""

    tensor: Any
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: bool
    node: str | None
    is_view: bool
    base_of: int | None
    same_as: int | None
    value: torch.Tensor | None = None
    shares: int | None = None

    @classmethod
    def of(cls, x: Any, inputs: list[Any]) -> Facts:
        """The facts of a result, relative to the call's tensor arguments."""
        is_view = x._is_view()
        base = x._base if is_view else None
        return cls(
            x,
            dtype_name(x.dtype),
            tuple(x.shape),
            tuple(x.stride()),
            bool(x.requires_grad),
            None if x.grad_fn is None else x.grad_fn.name(),
            is_view,
            next((i for i, given in enumerate(inputs) if given is base), None),
            next((i for i, given in enumerate(inputs) if given is x), None),
        )

    def read_value(self, library: Library, inputs: list[Any]) -> None:
        """Reads the numbers and finds the argument whose storage the result shares."""
        self.value = read(library, self.tensor)
        own = _storage(self.tensor)
        shared = (i for i, given in enumerate(inputs) if own and _storage(given) == own)
        self.shares = next(shared, None)


def _storage(x: Any) -> int:
    return x.untyped_storage().data_ptr() if x.numel() else 0


def container(library: Library, value: Any) -> str:
    """The kind of a result: its container, its fields when they are named, or its scalar type."""
    if library.is_tensor(value):
        return "Tensor"
    fields = getattr(type(value), "__match_args__", None) or getattr(value, "_fields", None)
    if isinstance(value, tuple) and fields:
        return f"tuple with {', '.join(fields)}"
    return type(value).__name__


def structure(library: Library, value: Any, inputs: list[Any]) -> tuple[list[str], list[Any]]:
    """A result flattened: the kinds met on the way, and the tensor facts and scalars in order."""
    kinds, leaves = [container(library, value)], []
    if library.is_tensor(value):
        leaves.append(Facts.of(value, inputs))
    elif isinstance(value, list | tuple) and kinds[0] != "Size":
        for item in value:
            inner_kinds, inner_leaves = structure(library, item, inputs)
            kinds += inner_kinds
            leaves += inner_leaves
    else:
        leaves.append(tuple(value) if kinds[0] == "Size" else value)
    return kinds, leaves


Exact = Callable[[], torch.Tensor | None]  # the float64 result, worked out when it is asked for


def _is_as_near(exact: torch.Tensor | None, expected: torch.Tensor, actual: torch.Tensor) -> bool:
    """Whether the relative errors of `actual` against the exact result are at most twice those of `expected`.

    Both are taken together, as the length of their vector, where PyTorch's numbers are finite.
    """
    if exact is None or exact.shape != expected.shape:
        return False
    finite = exact.isfinite() & expected.isfinite()
    size = exact.abs()[finite] + 1e-5
    ours, theirs = ((x.to(exact.dtype) - exact)[finite].abs().div(size).norm() for x in (actual, expected))
    return bool(ours <= 2 * theirs)


def value_reason(
    stage: str,
    expected: torch.Tensor,
    actual: torch.Tensor,
    tolerance: Tolerance,
    exact: Exact = lambda: None,
) -> list[Reason]:
    """Empty when two equal-typed tensors agree within the tolerance, NaN equal to NaN."""
    relative, absolute = tolerance.at(expected.dtype)
    close = torch.isclose(actual, expected, rtol=relative, atol=absolute, equal_nan=True)
    if bool(close.all()):
        return []
    bad = int((~close).sum())
    place = tuple(int(i) for i in (~close).nonzero()[0]) if close.dim() else ()
    text = f"{actual[place].item()!r:.24} where PyTorch has {expected[place].item()!r:.24}"
    as_near = _is_as_near(exact(), expected, actual)
    return [Reason(stage, f"{text} ({bad} of {close.numel()} elements)", as_near)]


def layout_reasons(expected: Facts, actual: Facts) -> list[Reason]:
    """Differences of everything but the numbers."""
    reasons = []

    def check(stage: str, what: str, wanted: Any, got: Any) -> None:
        if wanted != got:
            reasons.append(Reason(stage, f"{what} {got} where PyTorch has {wanted}"))

    check("dtype", "dtype", expected.dtype, actual.dtype)
    check("shape", "shape", expected.shape, actual.shape)
    if expected.shape == actual.shape and expected.strides != actual.strides:
        pairs = zip(expected.shape, expected.strides, actual.strides, strict=True)
        seen = math.prod(expected.shape) > 0 and any(n > 1 and s != t for n, s, t in pairs)
        what = "strides" if seen else "strides that no element uses"
        check("stride", what, expected.strides, actual.strides)
    check("node", "requires_grad", expected.requires_grad, actual.requires_grad)
    check("node", "grad_fn", expected.node, actual.node)
    check("view", "_is_view()", expected.is_view, actual.is_view)
    check("view", "_base is argument", expected.base_of, actual.base_of)
    check("view", "result is argument", expected.same_as, actual.same_as)
    return reasons


def fact_reasons(
    expected: Facts, actual: Facts, tolerance: Tolerance, exact: Exact = lambda: None
) -> list[Reason]:
    """Differences of values and storage, after both were read."""
    reasons = []
    if expected.value is not None and actual.value is not None:
        same = (expected.value.dtype, expected.value.shape) == (
            actual.value.dtype,
            actual.value.shape,
        )
        if same:
            reasons += value_reason("value", expected.value, actual.value, tolerance, exact)
    if expected.shares != actual.shares:
        text = f"storage of argument {actual.shares} where PyTorch has {expected.shares}"
        reasons.append(Reason("view", text))
    return reasons


def scalar_reasons(expected: Any, actual: Any) -> list[Reason]:
    """Differences of two plain results."""
    if isinstance(expected, torch.dtype):
        expected, actual = dtype_name(expected), dtype_name(actual)
    if isinstance(expected, float | complex) and isinstance(actual, float | complex):
        pair = (torch.tensor(x, dtype=torch.complex128) for x in (expected, actual))
        if torch.isclose(*pair, rtol=1.3e-6, atol=1e-5, equal_nan=True):
            return []
    if expected == actual:
        return []
    return [Reason("value", f"{actual!r:.40} where PyTorch has {expected!r:.40}")]
