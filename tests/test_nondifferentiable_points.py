"""Gradients at points without a derivative: PyTorch's values, for the operations that exist."""

import math

import pytest

from tests.subject import assert_same, leaf, torch, values

inf, nan = math.inf, math.nan


def gradients(function, *points):
    """The gradient of the sum of function(*points) at each of the points."""
    leaves = [leaf(point) for point in points]
    function(*leaves).sum().backward()
    return [values(x.grad) for x in leaves]


UNARY = {
    "abs at 0": (torch.abs, [0.0, -0.0, 2.0, -inf], [0.0, 0.0, 1.0, -1.0]),
    "relu at 0": (torch.relu, [0.0, -0.0, 2.0, -2.0], [0.0, 0.0, 1.0, 0.0]),
    "sign": (torch.sign, [0.0, 2.0, -1.0], [0.0, 0.0, 0.0]),
    "floor": (torch.floor, [0.0, 2.0, 0.5], [0.0, 0.0, 0.0]),
    "ceil": (torch.ceil, [0.0, 2.0, 0.5], [0.0, 0.0, 0.0]),
    "round": (torch.round, [0.0, 2.0, 0.5], [0.0, 0.0, 0.0]),
    "sqrt at 0": (torch.sqrt, [0.0], [inf]),
    "rsqrt at 0": (torch.rsqrt, [0.0], [-inf]),
    "reciprocal at 0": (torch.reciprocal, [0.0], [-inf]),
    "log at 0 and beyond": (torch.log, [-1.0, 0.0], [-1.0, inf]),
    "log1p at -1 and beyond": (torch.log1p, [-1.0, -2.0], [inf, -1.0]),
    "exp at infinity": (torch.exp, [inf, -inf], [inf, 0.0]),
    "tanh at infinity": (torch.tanh, [inf, -inf], [0.0, 0.0]),
    "sigmoid at infinity": (torch.sigmoid, [inf, -inf], [0.0, 0.0]),
    "clamp at the bounds": (
        lambda x: x.clamp(0, 1),
        [0.0, 1.0, 0.5, -1.0, 2.0],
        [1.0, 1.0, 1.0, 0.0, 0.0],
    ),
    "clamp from below": (lambda x: x.clamp(min=0), [0.0, 1.0, -1.0], [1.0, 1.0, 0.0]),
    "clamp from above": (lambda x: x.clamp(max=0), [0.0, 1.0, -1.0], [1.0, 0.0, 1.0]),
    "clamp with bounds crossed": (lambda x: x.clamp(1, 0), [0.0, 1.0, 0.5], [0.0, 0.0, 0.0]),
    "max along a dimension, ties": (lambda x: x.max(0).values, [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]),
    "max along rows, ties": (
        lambda x: x.max(1)[0],
        [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]],
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],
    ),
    "x ** 0 at 0": (lambda x: x**0, [0.0], [0.0]),
    "x ** 0.5 at 0": (lambda x: x**0.5, [0.0], [inf]),
    "x ** 1 at 0": (lambda x: x**1, [0.0], [1.0]),
    "x ** 2 at 0": (lambda x: x**2, [0.0], [0.0]),
    "x ** -1 at 0": (lambda x: x**-1, [0.0], [-inf]),
    "0 ** x": (lambda x: torch.pow(0.0, x), [-1.0, 0.0, 1.0], [-inf, 0.0, 0.0]),
    "(-1) ** x": (lambda x: torch.pow(-1.0, x), [2.0], [nan]),
    "sqrt on the branch not taken": (
        lambda x: torch.where(x > 0, x.sqrt(), 0.0),
        [0.0, 4.0],
        [nan, 0.25],
    ),
    "softmax of -inf only": (
        lambda x: x.softmax(0) * torch.tensor([1.0, 2.0]),
        [-inf, -inf],
        [nan, nan],
    ),
    "log_softmax of -inf only": (lambda x: x.log_softmax(0), [-inf, -inf], [nan, nan]),
    "abs of a complex 0": (torch.abs, [0j], [0j]),
    "sum of nothing": (torch.sum, [], []),
    "mean of nothing": (torch.mean, [], []),
}


@pytest.mark.parametrize("case", UNARY)
def test_gradient_of_one_input(case):
    function, point, expected = UNARY[case]
    assert_same(gradients(function, point), [expected])


BINARY = {
    "maximum at a tie": (torch.maximum, [[1.0, 1.0], [1.0, 2.0]], [[0.5, 0.0], [0.5, 1.0]]),
    "minimum at a tie": (torch.minimum, [[1.0, 1.0], [1.0, 2.0]], [[0.5, 1.0], [0.5, 0.0]]),
    "maximum with nan": (torch.maximum, [[nan, 1.0], [1.0, nan]], [[1.0, 1.0], [1.0, 1.0]]),
    "pow of a negative base": (
        torch.pow,
        [[-1.0, -1.0, -1.0], [2.0, 3.0, 0.0]],
        [[-2.0, 3.0, 0.0], [nan, nan, nan]],
    ),
    "pow of 0": (
        torch.pow,
        [[0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]],
        [[-inf, 0.0, 1.0], [-inf, 0.0, 0.0]],
    ),
    "division by 0": (torch.div, [[0.0, 1.0], [0.0, 0.0]], [[inf, inf], [nan, -inf]]),
    "0 times infinity": (torch.mul, [[0.0], [inf]], [[inf], [0.0]]),
    "clamp at tensor bounds": (
        lambda x, low: x.clamp(low, torch.ones(4)),
        [[0.0, 1.0, -1.0, 2.0], [0.0, 0.0, 0.0, 0.0]],
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]],
    ),
}


@pytest.mark.parametrize("case", BINARY)
def test_gradient_of_two_inputs(case):
    function, points, expected = BINARY[case]
    assert_same(gradients(function, *points), expected)


def test_tensor_bounds_of_clamp_get_what_they_cut_off():
    low, high = [0.0] * 4, [1.0] * 4
    expected = [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    assert_same(gradients(torch.clamp, [0.0, 1.0, -1.0, 2.0], low, high), expected)


def test_where_passes_no_gradient_to_the_branch_not_taken():
    expected = [[0.0, 0.0, 1.0]]
    assert_same(gradients(lambda x: torch.where(x > 0, x, 0.0), [-1.0, 0.0, 2.0]), expected)


SECOND = {
    "abs * abs": (lambda x: x.abs() * x.abs(), [0.0, 2.0], [0.0, 4.0], [0.0, 2.0]),
    "relu": (torch.relu, [0.0, 1.0], [0.0, 1.0], [0.0, 0.0]),
    "relu * x": (lambda x: x.relu() * x, [0.0, 2.0], [0.0, 4.0], [0.0, 2.0]),
    "clamp * x": (lambda x: x.clamp(0, 1) * x, [0.0, 1.0, 0.5], [0.0, 2.0, 1.0], [2.0, 2.0, 2.0]),
    "x ** 3": (lambda x: x**3, [0.0], [0.0], [0.0]),
    "x ** 2": (lambda x: x**2, [0.0], [0.0], [2.0]),
    "x ** 1.5": (lambda x: x**1.5, [0.0], [0.0], [inf]),
}


@pytest.mark.parametrize("case", SECOND)
def test_second_derivative(case):
    function, point, first, second = SECOND[case]
    x = leaf(point)
    (g,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    assert_same(g, first)
    assert_same(torch.autograd.grad(g.sum(), x)[0], second)


@pytest.mark.ours_differs("PyTorch returns a tensor without memory, whose tolist() raises")
def test_the_second_derivative_of_abs_is_an_ordinary_zero():
    x = leaf([0.0, 1.0])
    (g,) = torch.autograd.grad(x.abs().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(g.sum(), x)
    assert_same(second, [0.0, 0.0])
    assert second.numpy().tolist() == [0.0, 0.0]


def test_a_power_of_zero_gives_its_exponents_gradient_a_finite_derivative():
    x, y, g = torch.tensor([0.0]), leaf([3.0]), leaf([1.0])
    (gy,) = torch.autograd.grad(x**y, y, g, create_graph=True)
    assert_same(gy, [0.0])
    assert_same(torch.autograd.grad(gy, g)[0], [0.0])


def test_number_exponents_keep_their_digits_in_recorded_derivatives():
    x = torch.tensor([1.5, 2.5], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad((x**3.3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(g.sum(), x)
    expected = [3.3 * 2.3 * v**1.3 for v in (1.5, 2.5)]
    assert all(abs(a - b) <= 1e-14 * b for a, b in zip(second.tolist(), expected, strict=True))


@pytest.mark.parametrize("shape", [(2, 0), (0, 2), (5, 0, 1)])
@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_of_nothing_is_row_major_and_has_a_gradient(shape, dim):
    x = torch.zeros(shape, requires_grad=True)
    for function in (torch.softmax, torch.log_softmax):
        y = function(x, dim)
        assert y.shape == x.shape and y.stride() == torch.zeros(shape).stride()
        y.sum().backward()
        assert x.grad.shape == x.shape
