"""Derivatives of any function of double tensors held against central differences, in the first and the second order."""

import numpy as np

from tests.subject import torch

STEP = 1e-6


def doubles(*shape, seed=0, low=-1.0, high=1.0):
    """A leaf of doubles that requires grad."""
    drawn = np.random.default_rng(seed).uniform(low, high, size=shape)
    return torch.tensor(drawn.tolist(), dtype=torch.float64).reshape(shape).requires_grad_()


def _array(x):
    return np.asarray(x.detach().tolist(), dtype=float).reshape(tuple(x.shape))


def _slope(function, inputs, directions):
    """The derivative of function(*inputs) along the directions, by central differences."""
    sides = []
    for sign in (1, -1):
        moved = [(x.detach() + sign * STEP * d).requires_grad_() for x, d in zip(inputs, directions, strict=True)]
        sides.append(_array(function(*moved)))
    return (sides[0] - sides[1]) / (2 * STEP)


def _gradients(out, inputs, weights, recorded):
    """Gradients with zeros where an input does not matter."""
    found = [None] * len(inputs)
    if out.requires_grad:
        found = torch.autograd.grad(out, inputs, weights, create_graph=recorded, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


def check_gradients(function, *inputs, twice=True, tolerance=1e-6):
    """The gradients of function(*inputs), weighted at random, and those of these gradients."""
    out = function(*inputs)
    weights = doubles(*out.shape, seed=1).detach()
    directions = [doubles(*x.shape, seed=2 + k).detach() for k, x in enumerate(inputs)]
    gradients = _gradients(out, inputs, weights, twice)
    found = sum((g.detach() * d).sum().item() for g, d in zip(gradients, directions, strict=True))
    expected = float((_slope(function, inputs, directions) * _array(weights)).sum())
    assert abs(found - expected) <= tolerance * max(1.0, abs(expected)), (found, expected)
    if not twice:
        return

    def along(*moved):
        made = _gradients(function(*moved), moved, weights, True)
        return sum((g * d).sum() for g, d in zip(made, directions, strict=True))

    check_gradients(along, *inputs, twice=False, tolerance=tolerance)
