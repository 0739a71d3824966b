"""The tangent of every row is the transpose of its gradient, among real numbers and among complex ones."""

import numpy as np

from tests.row_cases import (
    DIFFERENTIABLE,
    Row,
    array,
    away_from_kinks,
    call,
    draw,
    is_condition,
    over,
    tensor,
    tensors,
)
from tests.subject import torch


def random_like(x, generator: np.random.Generator):
    """A tensor of x's shape and dtype of normal numbers."""
    values = generator.normal(size=tuple(x.shape))
    if x.is_complex():
        values = values + 1j * generator.normal(size=tuple(x.shape))
    return tensor(np.asarray(values), str(x.dtype).removeprefix("torch."))


def inner(x, y) -> float:
    """The real part of the inner product, which is what gradients are taken by."""
    return float(np.real(np.sum(np.conj(array(x)) * array(y))))


def check_transpose(row: Row, dtype: str, generator: np.random.Generator) -> None:
    """<g, J t> = <J^T g, t> for random g and t."""
    operands = tensors(row, away_from_kinks(row, draw(row, dtype, (6, 4), generator), 1e-3), dtype)
    wanted = [k for k in range(row["arity"]) if row["gradients"][k] and not is_condition(row, k)]

    def function(*given):
        every = list(operands)
        for k, x in zip(wanted, given, strict=True):
            every[k] = x
        return call(row, every)

    points = tuple(operands[k] for k in wanted)
    directions = tuple(random_like(x, generator) for x in points)
    out, along = torch.func.jvp(function, points, directions)
    g = random_like(out, generator)
    pulled = torch.func.vjp(function, *points)[1](g)
    forward = inner(g, along)
    backward = sum(inner(x, t) for x, t in zip(pulled, directions, strict=True))
    assert abs(forward - backward) <= 1e-9 * max(1.0, abs(forward)), dtype


@over(DIFFERENTIABLE)
def test_tangents_are_the_transpose_of_gradients(row: Row, seed: int):
    for dtype in ("float64", "complex128"):
        if dtype in row["dtypes"]:
            check_transpose(row, dtype, np.random.default_rng(seed))
