# Products of linear algebra: of many matrices, powers, vector products, and diagonals.
"""Products and powers of matrices."""

from typing import Any

import tapeless
from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import autocasts
from tapeless.operations.grids import powers

__all__ = ["cross", "diagonal", "matmul", "matrix_exp", "matrix_power", "multi_dot", "vander", "vecdot"]

_f = _core.functions

matmul = _f["matmul"]
matrix_exp = _f["matrix_exp"]


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Any = None) -> Tensor:
    """The vector product along a dimension of 3 elements; the others broadcast.

    Derivative: conj(other) x g and g x conj(input).
    """
    return _f["_linalg_cross"](input, other, dim, out=out)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The view of the diagonals of matrices. Derivative: g on that diagonal of zeros."""
    return _f["diagonal"](A, offset, dim1, dim2)


def _check_square(name: str, A: Tensor) -> None:
    if A.dim() < 2:
        raise RuntimeError(f"linalg.{name}: The input tensor A must have at least 2 dimensions.")
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.{name}: A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices"
        )


def matrix_power(A: Tensor, n: int, *, out: Any = None) -> Tensor:
    """Square matrices multiplied n times, by squaring; of the inverse if n is negative.

    Derivative: that of the products.
    """
    if not isinstance(n, int):
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    _check_square("matrix_power", A)
    power = _power(A, n)
    if out is None:
        return power
    _core._write_out(out, power)
    return out


def _power(A: Tensor, n: int) -> Tensor:
    if n == 0:
        unit = tapeless.eye(A.shape[-1], dtype=A.dtype, device=A.device)
        return A.clone(memory_format=tapeless.contiguous_format).copy_(unit.expand(A.shape))
    if n < 0:
        A, n = tapeless.linalg.inv(A), -n
        if n == 1:
            return A
    if n == 1:
        return A.clone(memory_format=tapeless.contiguous_format)
    if n == 3:
        return matmul(matmul(A, A), A)
    result = square = None
    while n:
        square = A if square is None else matmul(square, square)
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
    return result


def multi_dot(tensors: Any, *, out: Any = None) -> Tensor:
    """The product of two or more matrices in the order of fewest multiplications.

    The first may be a vector, taken as a row, and the last one, taken as a column. Derivative: that of the products.
    The order: T. H. Cormen et al., Introduction to Algorithms, matrix-chain multiplication.
    """
    chain = list(tensors)
    _check_chain(chain)
    first, last = chain[0], chain[-1]
    shape = [*first.shape[:-1], *last.shape[1:]]
    if first.dim() == 1:
        chain[0] = first.unsqueeze(0)
    if last.dim() == 1:
        chain[-1] = last.unsqueeze(1)
    for k, (a, b) in enumerate(zip(chain, chain[1:], strict=False)):
        if a.shape[1] != b.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {k} and {k + 1} with shapes {list(a.shape)} and {list(b.shape)} "
                "cannot be multiplied"
            )
    product = _cheapest(chain).view(shape)
    if out is None:
        return product
    if out.dtype != product.dtype:
        raise RuntimeError(f"multi_dot(): expected out tensor to have dtype {product.dtype} but got {out.dtype}")
    _core._write_out(out, product)
    return out


def _check_chain(chain: Any) -> None:
    if len(chain) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(chain)}")
    for k, x in enumerate(chain):
        which = "first" if k == 0 else "last" if k == len(chain) - 1 else None
        if which and x.dim() not in (1, 2):
            raise RuntimeError(f"multi_dot(): the {which} tensor must be 1D or 2D but got {x.dim()}D")
        if not which and x.dim() != 2:
            raise RuntimeError(f"multi_dot(): tensor {k} must be 2D but got {x.dim()}D")
        if x.dtype != chain[0].dtype:
            raise RuntimeError(
                "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{chain[0].dtype} and tensor {k} {x.dtype}"
            )
        if x.device != chain[0].device:
            raise RuntimeError(
                f"multi_dot(): all tensors must be on the same device but tensor 0 is on {chain[0].device} "
                f"and tensor {k} on {x.device}"
            )


def _cheapest(chain: Any) -> Tensor:
    """The product in the order of fewest multiplications; of equal ones PyTorch's."""
    mm = _f["mm"]
    sizes = [chain[0].shape[0], *(x.shape[1] for x in chain)]
    if len(chain) == 2:
        return mm(*chain)
    if len(chain) == 3:
        m, k, n, p = sizes
        x, y, z = chain
        return mm(mm(x, y), z) if m * n * (k + p) <= k * p * (n + m) else mm(x, mm(y, z))
    return _product(chain, _splits(sizes), 0, len(chain) - 1)


def _splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """For each run of matrices, after which one the cheapest order cuts it."""
    count = len(sizes) - 1
    costs = {(k, k): 0 for k in range(count)}
    cuts = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs[i, j], cuts[i, j] = min(
                (costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return cuts


def _product(chain: Any, cuts: Any, i: int, j: int) -> Tensor:
    if i == j:
        return chain[i]
    k = cuts[i, j]
    return _f["mm"](_product(chain, cuts, i, k), _product(chain, cuts, k + 1, j))


def vander(x: Tensor, *, N: Any = None) -> Tensor:
    """The powers 0 to N - 1 (N: the length, if None) of the elements of vectors, along a new last dimension.

    Derivative: that of the powers.
    """
    x = x if x.dim() else x.unsqueeze(0)
    N = x.shape[-1] if N is None else N
    if N < 2:
        raise RuntimeError("N must be greater than 1.")
    return powers(x if x.is_floating_point() or x.is_complex() else x.long(), N)


@autocasts("lower")
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Any = None) -> Tensor:
    """The sum of conj(x) * y along dim; the others broadcast. Derivative: conj(g) * y and g * x."""
    if not (x.is_floating_point() or x.is_complex()):
        raise RuntimeError(
            f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {x.type().split('.')[1][:-6]}"
        )
    if x.dtype != y.dtype:
        raise RuntimeError(
            "linalg.vecdot: Expected x and y to have the same dtype, but found x of type "
            f"{x.type().split('.')[1][:-6]} and y of type {y.type().split('.')[1][:-6]} instead"
        )
    if x.dim() == y.dim() == 1:
        return _f["vdot"](x, y, out=out)
    return _f["sum"](_f["mul"](_f["conj"](x), y), dim, out=out)
