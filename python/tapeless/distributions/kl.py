# KL divergences: the registry, and what is known of each pair of distributions.
"""KL(p ‖ q) = E_p[log p − log q], by formulas registered for pairs of classes.

`kl_divergence(p, q)` takes the formula of the most specific registered pair of classes that p and q derive from.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from tapeless import Tensor
from tapeless.distributions.distribution import Distribution

__all__ = ["kl_divergence", "register_kl"]

_KL_REGISTRY: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}
_KL_MEMOIZE: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """Decorates the function of (p, q) that computes the divergence of these classes and of their subclasses.

    TypeError unless both are classes. Where two registered pairs fit and neither is the more specific
    one, the one that is closer on the left is taken, with a warning; register the exact pair to decide otherwise.
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type):  # any class: packages register bases of their own
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def decorator(fun: Any) -> Any:
        _KL_REGISTRY[type_p, type_q] = fun
        _KL_MEMOIZE.clear()  # what was found before may no longer be the most specific
        return fun

    return decorator


@functools.total_ordering
class _Match:
    """A tuple of classes, ordered from specific to general: by the first that differs and is related."""

    __slots__ = ["types"]

    def __init__(self, *types: type) -> None:
        self.types = types

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Match) and self.types == other.types

    def __le__(self, other: _Match) -> bool:
        for own, their in zip(self.types, other.types, strict=True):
            if not issubclass(own, their):
                return False
            if own is not their:
                break
        return True


def _dispatch_kl(type_p: type, type_q: type) -> Any:
    """The function of the most specific registered pair; NotImplemented where none fits."""
    fitting = [(p, q) for p, q in _KL_REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not fitting:
        return NotImplemented
    # Once with p looked at first and once with q: the two agree unless the choice is ambiguous.
    by_left = min(fitting, key=lambda pair: _Match(*pair))
    by_right = min(fitting, key=lambda pair: _Match(*reversed(pair)))
    left, right = _KL_REGISTRY[by_left], _KL_REGISTRY[by_right]
    if left is not right:
        exact = f"{by_left[0].__name__}, {by_right[1].__name__}"
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please register_kl({exact})",
            RuntimeWarning,
            stacklevel=3,
        )
    return left


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q), one number for each distribution of the batch.

    NotImplementedError where no formula is registered for the two classes.
    """
    kinds = type(p), type(q)
    fun = _KL_MEMOIZE.get(kinds)
    if fun is None:
        fun = _KL_MEMOIZE[kinds] = _dispatch_kl(*kinds)
    if fun is NotImplemented:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type {q.__class__.__name__}"
        )
    return fun(p, q)


from tapeless.distributions import _kl_of_one_family, _kl_of_two_families  # noqa: E402, F401


def __getattr__(name: str) -> Any:
    """The registered formula that PyTorch calls `_kl_p_q`, p and q the names of the classes."""
    for (p, q), formula in _KL_REGISTRY.items():
        if name == f"_kl_{p.__name__.lower()}_{q.__name__.lower()}":
            return formula
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
