# Products in their several notations: einsum, tensordot, inner, and products of many matrices.
"""Contractions of tensors, named by subscripts or by dimensions."""

from typing import Any

import tapeless
from tapeless import _core
from tapeless._core import Tensor

__all__ = [
    "chain_matmul",
    "einsum",
    "ger",
    "inner",
    "matrix_power",
    "tensordot",
]
METHODS = ("ger", "inner", "matrix_power")

_f = _core.functions

ger = _f["outer"]


def einsum(*args: Any) -> Tensor:
    """Products of operands, summed over the subscripts that the result does not have.

    einsum("ij,jk->ik", a, b), or with lists of numbers below 52: einsum(a, [0, 1], b, [1, 2], [0, 2]). A subscript
    twice in one operand takes its diagonal, "..." stands for dimensions that broadcast. Without "->" the result has the
    subscripts that occur once, in alphabetical order. Up to eight operands are contracted in the cheapest order, more
    in a greedy one; each step is a matrix product. Derivative: that of the products.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], Tensor):
        equation, operands = _written(args)
    else:
        equation, operands = args[0], args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = operands[0]
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {type(equation).__name__}")
    return _f["_einsum"](equation, operands)


def _letters(subscripts: Any) -> str:
    text = ""
    for n in subscripts:
        if n is Ellipsis:
            text += "..."
        elif 0 <= n < 52:
            text += chr(ord("A") + n) if n < 26 else chr(ord("a") + n - 26)
        else:
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return text


def _written(args: Any) -> tuple[str, Any]:
    """The equation and operands of a call with lists of subscripts."""
    pairs = len(args) // 2
    equation = ",".join(_letters(args[2 * k + 1]) for k in range(pairs))
    if len(args) % 2:
        equation += "->" + _letters(args[-1])
    return equation, args[: 2 * pairs : 2]


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Any = None) -> Tensor:
    """The sum of products over pairs of dimensions: the last of a with the first of b, or two lists of them.

    Derivative: that of the matrix product that it is.
    """
    if isinstance(dims, Tensor):
        dims = dims.item() if dims.numel() == 1 else dims.tolist()
    if isinstance(dims, (tuple, list)) and len(dims) == 2:
        dims_a, dims_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    elif isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims_a, dims_b = list(range(-dims, 0)), list(range(dims))
    else:
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two lists, "
            f"but got dims={dims}"
        )
    return _f["_tensordot"](a, b, dims_a, dims_b, out=out)


def inner(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The sum of products along the last dimensions; with a number, the product. Derivative: that of the product."""
    if input.dim() == 0 or other.dim() == 0:
        return _f["mul"](input, other, out=out)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return _f["_tensordot"](input, other, (-1,), (-1,), out=out)


def chain_matmul(*matrices: Any, out: Any = None) -> Tensor:
    """The product of matrices, multiplied in the cheapest order. Derivative: that of the products."""
    chain = matrices[0] if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else matrices
    if not chain:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for x in chain:
        if x.dim() != 2:
            raise RuntimeError(f"Tensor dimension is {x.dim()}, expected 2 instead.")
    if len(chain) == 1:
        return _f["clone"](chain[0])
    return tapeless.linalg.multi_dot(chain, out=out)


def matrix_power(input: Tensor, n: int, *, out: Any = None) -> Tensor:
    """Square matrices multiplied n times, by squaring; of the inverse if n is negative.

    Derivative: that of the products.
    """
    return tapeless.linalg.matrix_power(input, n, out=out)
