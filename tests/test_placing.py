"""Placing by index and mask: reductions, repeated indices, refusals, in-place forms, second derivatives."""

import numpy as np
import pytest

from tests.subject import assert_close, assert_same, leaf, torch

REDUCTIONS = {"sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def doubles(*shape, seed=3):
    return np.random.default_rng(seed).standard_normal(shape)


def slope(function, x, step=1e-6):
    """The derivative of a sum by central differences."""
    out = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[at] += step
        behind[at] -= step
        out[at] = (function(torch.tensor(ahead)).sum().item() - function(torch.tensor(behind)).sum().item()) / (
            2 * step
        )
    return out


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce_reduces_what_goes_to_one_place(reduce, include_self):
    x, source = doubles(3, 4), doubles(5, 4, seed=4)
    index = np.random.default_rng(5).integers(0, 3, (5, 4))
    expected = x.copy()
    start = {"sum": 0.0, "prod": 1.0, "amax": -np.inf, "amin": np.inf}[reduce]
    if not include_self:
        np.put_along_axis(expected, index, start, 0)
    for i, j in np.ndindex(5, 4):
        expected[index[i, j], j] = REDUCTIONS[reduce](expected[index[i, j], j], source[i, j])
    actual = torch.tensor(x).scatter_reduce(
        0, torch.tensor(index), torch.tensor(source), reduce, include_self=include_self
    )
    assert_close(actual, expected.tolist(), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("name", ["scatter_reduce", "index_reduce"])
def test_reductions_have_the_slopes_of_finite_differences(name, reduce, include_self):
    if (name, reduce) == ("index_reduce", "sum"):
        return
    index = torch.tensor([[0, 0], [2, 1], [0, 1], [2, 2]]) if name == "scatter_reduce" else torch.tensor([0, 2, 0, 2])
    x, source = doubles(3, 2), doubles(4, 2, seed=4)
    weights = torch.tensor(doubles(3, 2, seed=6))

    def run(x, source):
        out = getattr(x, name)(0, index, source, reduce, include_self=include_self)
        return out * out * weights

    a, b = leaf(x), leaf(source)
    run(a, b).sum().backward()
    assert_close(a.grad, slope(lambda x: run(x, torch.tensor(source)), x).tolist(), rtol=1e-6, atol=1e-7)
    assert_close(b.grad, slope(lambda s: run(torch.tensor(x), s), source).tolist(), rtol=1e-6, atol=1e-7)


def test_a_product_with_one_zero_has_a_gradient_there_and_with_two_refuses_a_second():
    x = leaf([2.0, 3.0])
    source = leaf([0.0, 5.0, 7.0])
    index = torch.tensor([0, 0, 1])
    (g,) = torch.autograd.grad(x.scatter_reduce(0, index, source, "prod").sum(), source, create_graph=True)
    assert_same(g, [10.0, 0.0, 3.0])
    twice = leaf([0.0, 0.0, 7.0])
    (g,) = torch.autograd.grad(x.scatter_reduce(0, index, twice, "prod").sum(), twice, create_graph=True)
    assert_same(g, [0.0, 0.0, 3.0])
    with pytest.raises(RuntimeError, match="Double backward is unsupported for src when >1 zeros"):
        g.sum().backward()


def test_integers_have_their_mean_rounded_down_and_nan_is_an_extreme():
    x = torch.tensor([5, 3]).scatter_reduce(0, torch.tensor([0, 0]), torch.tensor([-2, -12]), "mean")
    assert_same(x, [-3, 3])
    nan = float("nan")
    y = torch.tensor([1.0, nan]).index_reduce(0, torch.tensor([0, 1]), torch.tensor([nan, 5.0]), "amax")
    assert_same(y, [nan, nan])


@pytest.mark.parametrize("name", ["scatter_reduce_", "index_reduce_"])
def test_in_place_reductions_look_at_what_was_there(name):
    x, source = leaf([2.0, 3.0]), leaf([4.0, 5.0])
    y = x * 1
    getattr(y, name)(0, torch.tensor([0, 0]), source, "prod")
    assert y.grad_fn.name() == ("ScatterReduceBackward0" if name[0] == "s" else "IndexReduceBackward0")
    y.sum().backward()
    assert_same(x.grad, [20.0, 1.0])
    assert_same(source.grad, [10.0, 8.0])


@pytest.mark.ours_differs("PyTorch's gradient of the value refuses negative numbers")
def test_filled_slices_count_once_for_the_value():
    value = leaf(2.0)
    x = leaf(np.ones((3, 2)).tolist())
    out = x.index_fill(0, torch.tensor([1, -2, 1]), value)
    assert_same(out, [[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]])
    out.backward(torch.tensor([[1.0, 2], [3, 4], [5, 6]]))
    assert_same(value.grad, 7.0)
    assert_same(x.grad, [[1.0, 2.0], [0.0, 0.0], [5.0, 6.0]])


def test_elements_by_number_count_from_the_end_and_add_up():
    x = torch.arange(6.0).reshape(2, 3).t()
    assert_same(x.take(torch.tensor([[0, 1], [-1, -6]])), [[0.0, 3.0], [5.0, 0.0]])
    index, source = torch.tensor([0, 0, -1]), torch.tensor([1.0, 2.0, 3.0])
    assert_same(x.put(index, source, accumulate=True), [[3.0, 3.0], [1.0, 4.0], [2.0, 8.0]])
    assert x.put(index, source).stride() == x.stride()
    y = leaf([1.0, 2.0, 3.0])
    y.take(torch.tensor([0, 0, 2])).sum().backward()
    assert_same(y.grad, [2.0, 0.0, 1.0])


@pytest.mark.parametrize("size", [7, 200_000])
def test_masks_pick_and_place_in_row_major_order(size):
    generator = np.random.default_rng(8)
    values, mask = generator.standard_normal(size), generator.random(size) < 0.3
    x = torch.tensor(values, requires_grad=True)
    picked = x.masked_select(torch.tensor(mask))
    assert np.array_equal(picked.detach().numpy(), values[mask])
    source = leaf(np.arange(float(mask.sum() + 2)).tolist(), dtype=torch.float64)
    placed = x.masked_scatter(torch.tensor(mask), source)
    expected = values.copy()
    expected[mask] = np.arange(float(mask.sum()))
    assert np.array_equal(placed.detach().numpy(), expected)
    (picked.sum() * 2 + placed.sum()).backward()
    assert np.array_equal(x.grad.numpy(), np.where(mask, 2.0, 1.0))
    assert_same(source.grad, [1.0] * int(mask.sum()) + [0.0, 0.0])


def test_masks_broadcast_and_their_gradients_are_summed():
    x = leaf([[1.0], [2.0]])
    x.masked_select(torch.tensor([True, False, True])).backward(torch.tensor([1.0, 2, 3, 4]))
    assert_same(x.grad, [[3.0], [7.0]])
    y = leaf([1.0, 2.0])
    out = y.masked_scatter(torch.tensor([[True, False], [False, False]]), torch.tensor([9.0]))
    assert_same(out, [[9.0, 2.0], [1.0, 2.0]])
    out.sum().backward()
    assert_same(y.grad, [1.0, 2.0])


def test_take_along_dim_broadcasts_and_wraps():
    x = torch.arange(6.0).reshape(2, 3)
    assert_same(torch.take_along_dim(x, torch.tensor([[-1, 0]]), 1), [[2.0, 0.0], [5.0, 3.0]])
    assert_same(x.take_along_dim(torch.tensor([5, 0])), [5.0, 0.0])
    with pytest.raises(RuntimeError, match="dtype of indices should be Long"):
        torch.take_along_dim(x, torch.tensor([[0.0]]), 1)


def test_nonzero_static_fills_up():
    assert_same(torch.nonzero_static(torch.tensor([0, 3, 0, 4]), size=3, fill_value=-7), [[1], [3], [-7]])
    assert_same(torch.nonzero_static(torch.tensor([1, 3, 0, 4]), size=1), [[0]])


X, LONG = torch.ones(2, 3), torch.tensor([0, 1])
REFUSED = [
    (lambda: X.scatter_reduce(0, torch.zeros(2, 3, dtype=torch.int64), X, "foo"), RuntimeError, "must be either sum"),
    (lambda: X.index_reduce(0, LONG, X, "sum"), RuntimeError, "Expected reduce to be one of prod, mean, amax or amin"),
    (lambda: X.index_reduce(0, LONG + 5, X, "prod"), IndexError, "index out of range in self"),
    (lambda: (X > 0).index_reduce(0, LONG, X > 0, "mean"), NotImplementedError, "not implemented for 'Bool'"),
    (lambda: X.index_copy(0, LONG.int(), X), RuntimeError, "Expected a long tensor for index, but got Int"),
    (lambda: X.index_copy(0, LONG, X.double()), RuntimeError, "expected to have the same dtype"),
    (lambda: X.index_copy(0, LONG - 1, X), IndexError, "index -1 is out of bounds for dimension 0 with size 2"),
    (lambda: X.index_copy(0, LONG, X[:1]), IndexError, "should be equal to source.size"),
    (lambda: X.index_copy(0, LONG, X[:, :2]), RuntimeError, "must have same slice shapes"),
    (lambda: X.index_fill(0, LONG + 5, 1), IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
    (lambda: X.index_fill(0, LONG, 1j), RuntimeError, "Converting complex Scalar to non-complex"),
    (lambda: X.index_fill(0, LONG, X), RuntimeError, "only supports a 0-dimensional value tensor"),
    (lambda: X.take(LONG + 5), IndexError, "tried to access index 6 on a tensor of 6 elements"),
    (lambda: torch.empty(0).take(LONG), IndexError, "tried to take from an empty tensor"),
    (lambda: X.put(LONG, X), IndexError, "to have the same number of elements"),
    (lambda: X.masked_select(LONG), RuntimeError, "expected BoolTensor for mask"),
    (lambda: X.masked_scatter(X > 0, X[:1]), RuntimeError, "Number of elements of source < number of ones in mask"),
    (lambda: X.clone()[0].masked_scatter_(X > 0, X), RuntimeError, "expand"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_bad_operands_are_refused_in_pytorchs_words(case):
    call, kind, words = REFUSED[case]
    with pytest.raises(kind, match=words):
        call()
