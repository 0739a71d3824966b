# torch.autograd.forward_ad: tangents carried along by hand.
"""Forward mode inside `dual_level()`: `make_dual` gives a tensor a tangent, `unpack_dual` takes both apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tapeless import _core

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

_levels: list[int] = []


class UnpackedDualTensor(NamedTuple):
    """A tensor and its tangent, which is None where nothing of the level came in."""

    primal: Any
    tangent: Any


def enter_dual_level() -> int:
    """Opens a level, in which tensors can have tangents."""
    _levels.append(_core._open_level("jvp", 0))
    return len(_levels) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """Closes the innermost level; its tangents are gone. RuntimeError for another one."""
    if not _levels or (level is not None and level != len(_levels) - 1):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    _core._close_level()
    _levels.pop()


@contextmanager
def dual_level() -> Iterator[int]:
    """A level for a scope."""
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level(level=level)


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """The tensor with a tangent of the same shape and dtype. RuntimeError outside of a level."""
    if not _levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}")
    if not (tangent.is_floating_point() or tangent.is_complex()):
        raise ValueError(f"Expected tangent to be floating point or complex, but got: {tangent.dtype}")
    return _core._make_dual(tensor, tangent, _levels[-1 if level is None else level])


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor without its tangent, and the tangent."""
    if not _levels:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(*_core._parts_of_dual(tensor, _levels[-1 if level is None else level]))
