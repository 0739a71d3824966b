# Operations on lists of tensors, one tensor after the other.
"""The `_foreach_*` functions, by which optimizers of other packages treat all parameters in one call.

Here they are loops over the operations of the same name: a call costs so little that nothing is to be gained by more.
The second operand may be a list of tensors or of numbers, one for each tensor, or a number or a tensor for all.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from tapeless._core import Tensor

_UNARY = (
    "abs acos asin atan ceil clone cos cosh erf erfc exp expm1 floor frac lgamma log log10 log1p log2 max neg "
    "reciprocal round rsqrt sigmoid sign sin sinh sqrt tan tanh trunc zero"
).split()
_BINARY = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "div": "div",
    "pow": "pow",
    "maximum": "maximum",
    "minimum": "minimum",
    "clamp_max": "minimum",
    "clamp_min": "maximum",
}
# Only one of the two forms exists of these.
_NOT_IN_PLACE = {"clone", "max"}
_ONLY_IN_PLACE = {"zero"}


def _check(tensors: Any, *others: Any) -> None:
    if len(tensors) == 0:
        raise RuntimeError("Tensor list must have at least one tensor.")
    for other in others:
        if isinstance(other, (list, tuple)) and len(other) != len(tensors):
            raise RuntimeError(
                f"Tensor lists must have the same number of tensors, got {len(tensors)} and {len(other)}"
            )


def _each(other: Any) -> Any:
    """What belongs to each tensor: the entries of a list, or the same thing for all."""
    return other if isinstance(other, (list, tuple)) else repeat(other)


def _extreme(method: str) -> Callable[[Tensor, Any], Tensor]:
    """`maximum` or `minimum`, also with a number."""
    bound = "clamp_min" if method == "maximum" else "clamp_max"

    def apply(x: Tensor, y: Any) -> Tensor:
        return getattr(x, method)(y) if isinstance(y, Tensor) else getattr(x, bound)(y)

    return apply


def _written(x: Tensor, value: Tensor) -> None:
    x.copy_(value)


def _unary(name: str, in_place: bool) -> Callable[..., Any]:
    method = name + "_" * in_place

    def operation(self: Sequence[Tensor]) -> Any:
        _check(self)
        results = tuple(getattr(x, method)() for x in self)
        return None if in_place else results

    operation.__doc__ = f"`{method}` of each tensor of a list. Derivative: that of {name}."
    return operation


def _binary(name: str, in_place: bool) -> Callable[..., Any]:
    method = _BINARY[name]
    is_extreme = method in ("maximum", "minimum")
    compute = _extreme(method) if is_extreme else lambda x, y: getattr(x, method)(y)
    write = None if is_extreme else method + "_"

    def operation(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        if name == "pow" and not isinstance(self, (list, tuple)):
            return tuple(self**exponent for exponent in other)
        _check(self, other)
        if alpha != 1:
            other = [y * alpha for y, _ in zip(_each(other), self, strict=False)]
        pairs = zip(self, _each(other), strict=False)
        if not in_place:
            return tuple(compute(x, y) for x, y in pairs)
        for x, y in pairs:
            _written(x, compute(x, y)) if write is None else getattr(x, write)(y)
        return None

    operation.__doc__ = f"`{method}` of each tensor of a list and `other`. Derivative: that of {method}."
    return operation


def _ternary(name: str, in_place: bool) -> Callable[..., Any]:
    method = name + "_" * in_place

    def operation(
        self: Sequence[Tensor],
        tensor1: Sequence[Tensor],
        tensor2: Sequence[Tensor],
        value: Any = 1,
        *,
        scalars: Any = None,
    ) -> Any:
        value = value if scalars is None else scalars
        if isinstance(value, Tensor) and value.dim() == 1:
            value = value.tolist()
        elif isinstance(value, Tensor):
            value = value.item()
        _check(self, tensor1, tensor2, value)
        rows = zip(self, tensor1, tensor2, _each(value), strict=False)
        results = tuple(getattr(x, method)(y, z, value=factor) for x, y, z, factor in rows)
        return None if in_place else results

    operation.__doc__ = f"`{method}` of each tensor of three lists. Derivative: that of {name}."
    return operation


def _lerp(in_place: bool) -> Callable[..., Any]:
    method = "lerp" + "_" * in_place

    def operation(self: Sequence[Tensor], tensors1: Sequence[Tensor], weight: Any) -> Any:
        _check(self, tensors1, weight)
        rows = zip(self, tensors1, _each(weight), strict=False)
        results = tuple(getattr(x, method)(y, w) for x, y, w in rows)
        return None if in_place else results

    operation.__doc__ = f"`{method}` of each tensor of two lists. Derivative: that of lerp."
    return operation


def _foreach_copy_(self: Sequence[Tensor], src: Sequence[Tensor], non_blocking: bool = False) -> None:
    """Copy each tensor of `src` into its place. Derivative: that of copy_."""
    _check(self, src)
    for x, y in zip(self, src, strict=True):
        x.copy_(y)


def _foreach_norm(self: Sequence[Tensor], ord: Any = 2, dtype: Any = None) -> tuple[Tensor, ...]:
    """The norm of each tensor of a list. Derivative: that of norm."""
    _check(self)
    return tuple(x.norm(ord, dtype=dtype) for x in self)


def _foreach_mm(self: Sequence[Tensor], mat2: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The matrix product of each pair. Derivative: that of mm."""
    _check(self, mat2)
    return tuple(x.mm(y) for x, y in zip(self, mat2, strict=True))


def _amp_foreach_non_finite_check_and_unscale_(self: Sequence[Tensor], found_inf: Tensor, inv_scale: Tensor) -> None:
    """Multiply tensors by `inv_scale` in place; `found_inf` becomes 1 if one of them is not finite. No derivative."""
    factor = inv_scale.item()
    for x in self:
        if not x.isfinite().all():
            found_inf.fill_(1.0)
        x.mul_(factor)


def _made() -> dict[str, Any]:
    """The functions that follow from their names."""
    found: dict[str, Any] = {}
    kinds = [(_unary, _UNARY), (_binary, list(_BINARY)), (_ternary, ["addcdiv", "addcmul"])]
    for in_place in (False, True):
        left_out = _NOT_IN_PLACE if in_place else _ONLY_IN_PLACE
        for make, names in kinds:
            found.update({name + "_" * in_place: make(name, in_place) for name in names if name not in left_out})
        found["lerp" + "_" * in_place] = _lerp(in_place)
    functions = {f"_foreach_{name}": function for name, function in found.items()}
    for name, function in functions.items():
        function.__name__ = function.__qualname__ = name
    return functions


_functions = _made()
globals().update(_functions)

__all__ = [
    "_amp_foreach_non_finite_check_and_unscale_",
    "_foreach_copy_",
    "_foreach_mm",
    "_foreach_norm",
    *_functions,
]
METHODS = ()
