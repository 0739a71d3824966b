# What distributions share: broadcasting of parameters, probabilities and logits, and properties computed once.
"""Helpers of `torch.distributions`, which packages with distributions of their own use too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Generic, TypeVar

import tapeless
from tapeless import Tensor
from tapeless.overrides import is_tensor_like

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

euler_constant = 0.57721566490153286060  # Euler's (and Mascheroni's) constant

_Number = (int, float, bool)
_NO_SHAPE = tapeless.Size()  # of a single sample, a single distribution, an event that is a number
T = TypeVar("T", contravariant=True)
R = TypeVar("R", covariant=True)


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """The values as tensors of one common shape.

    Numbers become tensors of the first tensor's dtype and device, or of the default dtype when there is no tensor.
    ValueError for anything else.
    """
    if all(isinstance(v, Tensor) and v.shape == values[0].shape for v in values):
        return values
    if not all(is_tensor_like(v) or isinstance(v, _Number) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    if not all(is_tensor_like(v) for v in values):
        first = next((v for v in values if isinstance(v, Tensor)), None)
        dtype, device = (tapeless.get_default_dtype(), None) if first is None else (first.dtype, first.device)
        values = tuple(v if is_tensor_like(v) else tapeless.tensor(v, dtype=dtype, device=device) for v in values)
    return tuple(tapeless.broadcast_tensors(*values))


def _standard_normal(shape: Sequence[int], dtype: Any, device: Any) -> Tensor:
    """Standard normal numbers, drawn as `torch.normal` draws them."""
    zeros = tapeless.zeros(tuple(shape), dtype=dtype, device=device)
    return tapeless.normal(zeros, tapeless.ones_like(zeros))


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last `dim` dimensions; the value itself where dim is 0."""
    if dim == 0:
        return value
    return value.reshape((*value.shape[: value.dim() - dim], -1)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from log odds (binary), or from unnormalized log probabilities along the last dimension."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept one epsilon of their dtype away from 0 and 1."""
    epsilon = tapeless.finfo(probs.dtype).eps
    return probs.clamp(min=epsilon, max=1 - epsilon)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log odds of probabilities (binary), or their logarithms; finite, because the probabilities are clamped first."""
    inner = clamp_probs(probs)
    if is_binary:
        return inner.log() - (-inner).log1p()
    return inner.log()


class lazy_property(Generic[T, R]):  # noqa: N801
    """A property computed at its first use and kept on the instance from then on, with gradients enabled."""

    def __init__(self, wrapped: Callable[[T], R]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)

    def __get__(self, instance: Any, obj_type: Any = None) -> Any:
        if instance is None:
            return _lazy_property_and_property(self.wrapped)
        with tapeless.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _lazy_property_and_property(lazy_property[T, R], property):  # noqa: N801
    """What a class shows for a lazy property: also an ordinary property, for tools that read docstrings."""

    def __init__(self, wrapped: Callable[[T], R]) -> None:
        property.__init__(self, wrapped)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The entries on and below diagonal `diag` of (…, n, n) matrices, row after row, as (…, k)."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = tapeless.tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The lower triangular matrices (…, n, n) whose entries, row after row, are (…, k): undoes tril_matrix_to_vec."""
    count, n = vec.shape[-1], max(1, -diag)
    while (found := _entries(n, diag)) < count:
        n += 1
    if found != count:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as the lower triangular part of "
            "a square D x D matrix."
        )
    matrix = vec.new_zeros((*vec.shape[:-1], n, n))
    rows, columns = tapeless.tril_indices(n, n, diag)
    matrix[..., rows, columns] = vec
    return matrix


def _entries(n: int, diag: int) -> int:
    """How many entries an n × n matrix has on and below a diagonal."""
    return sum(min(max(row + 1 + diag, 0), n) for row in range(n))


def _either(probs: Any, logits: Any) -> tuple[str, Any]:
    """The name and value of whichever is given of the two; ValueError unless that is exactly one."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return ("probs", probs) if logits is None else ("logits", logits)


class _GivenParameter:
    """What distributions ask of the one of `probs` and `logits` that was given, whose name is `_given`."""

    @property
    def param_shape(self) -> tapeless.Size:
        """The shape of the parameter that was given."""
        return self._param.size()

    @property
    def _param(self) -> Tensor:
        return self.__dict__[self._given]

    @_param.setter
    def _param(self, value: Tensor) -> None:  # as `expand` of subclasses does
        self._given = "probs" if value is self.__dict__.get("probs") else "logits"

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._param.new(*args, **kwargs)


class _BinaryParameters(_GivenParameter):
    """`probs` and `logits` of distributions around one probability: whichever was not given follows from the other."""

    @lazy_property
    def logits(self) -> Tensor:
        """The log odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)
