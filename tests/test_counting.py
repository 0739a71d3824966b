"""Distinct elements, searches, histograms and quantiles: against NumPy, at edges, and what is refused."""

import math

import numpy
import pytest

from tests.subject import assert_close, assert_same, leaf, torch, values

inf, nan = math.inf, math.nan


def drawn(*shape, most=5):
    return numpy.random.default_rng(4).integers(0, most, shape)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float16", "float32", "float64"])
def test_unique_is_numpys(dtype):
    plain = drawn(3, 400, most=90)
    x = torch.from_numpy(plain).to(getattr(torch, dtype))
    found, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
    expected, places, numbers = numpy.unique(plain, return_inverse=True, return_counts=True)
    assert found.dtype == x.dtype and inverse.shape == x.shape
    assert numpy.array_equal(found.to(torch.int64).numpy(), expected)
    assert numpy.array_equal(inverse.numpy(), places.reshape(plain.shape))
    assert numpy.array_equal(counts.numpy(), numbers)
    assert values(x.unique()) == values(found)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_unique_slices_are_numpys(dim):
    plain = drawn(6, 4, 5, most=2)[:, [0, 1, 1, 0]][[0, 1, 2, 1, 0, 3]]
    x = torch.from_numpy(plain)
    found, inverse, counts = x.unique(dim=dim, return_inverse=True, return_counts=True)
    expected, places, numbers = numpy.unique(plain, axis=dim, return_inverse=True, return_counts=True)
    assert numpy.array_equal(found.numpy(), expected)
    assert numpy.array_equal(inverse.numpy(), places.reshape(-1)) and numpy.array_equal(counts.numpy(), numbers)


def test_runs():
    x = torch.tensor([1, 1, 2, 2, 2, 1, 3])
    found, inverse, counts = torch.unique_consecutive(x, return_inverse=True, return_counts=True)
    assert values([found, inverse, counts]) == [[1, 2, 1, 3], [0, 0, 1, 1, 1, 2, 3], [2, 3, 1, 1]]
    rows = torch.tensor([[1, 2], [1, 2], [0, 0], [1, 2]])
    assert values(torch.unique_consecutive(rows, dim=0, return_counts=True)[1]) == [2, 1, 1]
    assert values(torch.unique_consecutive(torch.tensor(5.0))) == [5.0]


def test_nan_equals_nothing_and_zeros_are_one():
    x = torch.tensor([nan, 0.0, nan, -0.0])
    found, counts = x.unique(return_counts=True)
    assert_same(found, [0.0, nan, nan])
    assert values(counts) == [2, 1, 1]
    assert values(torch.isin(x, torch.tensor([nan, 0.0]))) == [False, True, False, True]


def test_unique_of_nothing_and_refusals():
    assert torch.unique(torch.empty(0, 3), dim=0).shape == (0, 3)
    with pytest.raises(RuntimeError, match="There are 0 sized dimensions"):
        torch.unique(torch.empty(3, 0), dim=0)
    with pytest.raises(IndexError, match="tensor has no dimensions"):
        torch.unique(torch.tensor(1.0), dim=0)
    x = leaf([1.0, 1.0])
    out = x.unique()
    assert out.requires_grad
    with pytest.raises(NotImplementedError, match="the derivative for '_unique2' is not implemented"):
        out.sum().backward()


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64", "float16"])
def test_searchsorted_is_numpys(dtype, right):
    rows, wanted = numpy.sort(drawn(3, 50, most=30)), drawn(3, 7000, most=33) - 1
    side = "right" if right else "left"
    expected = numpy.stack([numpy.searchsorted(a, b, side=side) for a, b in zip(rows, wanted, strict=True)])
    sequence, x = torch.from_numpy(rows).to(getattr(torch, dtype)), torch.from_numpy(wanted)
    assert numpy.array_equal(torch.searchsorted(sequence, x, right=right).numpy(), expected)
    assert numpy.array_equal(torch.searchsorted(sequence, x.to(torch.float64), side=side).numpy(), expected)
    found = torch.bucketize(x[1], sequence[1], right=right, out_int32=True)
    assert found.dtype == torch.int32 and numpy.array_equal(found.numpy(), expected[1])
    shuffled = sequence.flip(1) if hasattr(sequence, "flip") else sequence
    order = torch.argsort(shuffled, dim=1, stable=True)
    assert numpy.array_equal(torch.searchsorted(shuffled, x, right=right, sorter=order).numpy(), expected)


def test_searches_refuse():
    sequence = torch.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match="side and right can't be set to opposites"):
        torch.searchsorted(sequence, 1.0, right=True, side="left")
    with pytest.raises(RuntimeError, match="boundaries tensor must be 1 dimension"):
        torch.bucketize(sequence, sequence.reshape(1, 2))
    with pytest.raises(RuntimeError, match="sorter index out of range"):
        torch.searchsorted(sequence, 1.0, sorter=torch.tensor([0, 2]))
    with pytest.raises(RuntimeError, match="input value can be a scalar only when"):
        torch.searchsorted(sequence.reshape(1, 2), 1.0)
    with pytest.raises(RuntimeError, match="Unsupported input type encountered for isin"):
        torch.isin(torch.tensor([True]), torch.tensor([True]))
    assert values(torch.isin(2, torch.tensor([1, 2]))) is True
    assert values(torch.isin(torch.tensor([1, 2]), 1, invert=True)) == [False, True]
    assert values(torch.isin(torch.tensor([1, 2]), torch.tensor([1.5, 2.0]))) == [False, True]


def test_bincount():
    x = torch.tensor([1, 4, 1])
    assert values(torch.bincount(x)) == [0, 2, 0, 0, 1]
    weights = torch.tensor([0.5, 1.0, 2.0])
    assert values(x.bincount(weights, minlength=6)) == [0.0, 2.5, 0.0, 0.0, 1.0, 0.0]
    assert torch.bincount(x, weights).dtype == torch.float32
    assert torch.bincount(x, weights.to(torch.float16)).dtype == torch.float64
    with pytest.raises(RuntimeError, match="non-negative integral"):
        torch.bincount(torch.tensor([-1]))
    summed = torch.bincount(x, leaf([1.0, 1.0, 1.0]))
    with pytest.raises(RuntimeError, match="derivative for aten::bincount is not implemented"):
        summed.sum().backward()


@pytest.mark.parametrize("count", [0, 1, 100, 200_000])
def test_histograms_are_numpys(count):
    plain = numpy.random.default_rng(2).standard_normal(count)
    x = torch.from_numpy(plain)
    expected, edges = numpy.histogram(plain, 13, (-2.0, 1.5))
    found = torch.histogram(x, 13, range=(-2.0, 1.5))
    assert type(found) is torch.return_types.histogram
    assert numpy.array_equal(found.hist.numpy(), expected)
    assert_close(found.bin_edges, edges.tolist())
    assert numpy.array_equal(torch.histogram(x, found.bin_edges).hist.numpy(), expected)
    assert numpy.array_equal(torch.histc(x, 13, -2.0, 1.5).numpy(), expected)
    weights = numpy.linspace(0.0, 1.0, count)
    weighted = torch.histogram(x, 13, range=(-2.0, 1.5), weight=torch.from_numpy(weights)).hist
    assert_close(weighted, numpy.histogram(plain, 13, (-2.0, 1.5), weights=weights)[0].tolist())


def test_histogram_of_points_and_its_density():
    plain = numpy.random.default_rng(3).standard_normal((500, 2))
    expected, edges = numpy.histogramdd(plain, (4, 3), density=True)
    found = torch.histogramdd(torch.from_numpy(plain), [4, 3], density=True)
    assert_close(found.hist, expected.tolist(), rtol=1e-12)
    assert [len(each) for each in found.bin_edges] == [5, 4]
    again = torch.histogramdd(torch.from_numpy(plain), found.bin_edges, density=True)
    assert_close(again.hist, expected.tolist(), rtol=1e-12)


def test_histograms_refuse():
    x = torch.tensor([1.0, nan])
    with pytest.raises(RuntimeError, match="is not finite"):
        torch.histc(x)
    with pytest.raises(RuntimeError, match="max must be larger than min"):
        torch.histc(x, 3, 5, 1)
    with pytest.raises(RuntimeError, match="bins must be > 0"):
        torch.histogram(x, 0)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        torch.histc(torch.tensor([1, 2]))
    assert values(torch.histc(x, 2, 0, 2)) == [0.0, 1.0]
    with pytest.raises(RuntimeError, match="derivative for aten::histogram is not implemented"):
        torch.histogram(leaf([1.0, 2.0]), 3).hist.sum().backward()


METHODS = ["linear", "lower", "higher", "midpoint", "nearest"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dim", [None, 0, 1, -1])
def test_quantiles_are_numpys(dim, method):
    plain = numpy.random.default_rng(5).standard_normal((4, 7, 3))
    x, shares = torch.from_numpy(plain), numpy.array([0.0, 0.2, 0.5, 0.77, 1.0])
    for keepdim in (False, True):
        options = {"dim": dim, "keepdim": keepdim, "interpolation": method}
        expected = numpy.quantile(plain, shares, axis=dim, keepdims=keepdim, method=method)
        found = torch.quantile(x, torch.from_numpy(shares), **options)
        assert numpy.allclose(found.numpy(), expected, rtol=1e-12)
        assert numpy.array_equal(torch.quantile(x, 0.2, **options).numpy(), found[1].numpy())
        holes = plain.copy()
        holes[1:3, 2:5, 1] = nan
        expected = numpy.nanquantile(holes, shares, axis=dim, keepdims=keepdim, method=method)
        found = torch.nanquantile(torch.from_numpy(holes), torch.from_numpy(shares), **options)
        assert numpy.allclose(found.numpy(), expected, rtol=1e-12)


def test_quantile_of_nan_and_its_gradients():
    assert math.isnan(torch.quantile(torch.tensor([1.0, nan]), 0.5).item())
    assert math.isnan(torch.nanquantile(torch.tensor([nan, nan]), 0.5).item())
    x = leaf([4.0, 1.0, 3.0, 2.0])
    torch.quantile(x, 0.25).backward()
    assert_close(x.grad, [0.0, 0.25, 0.0, 0.75])
    q = leaf([0.5])
    torch.quantile(x.detach(), q).sum().backward()
    assert_close(q.grad, [3.0])


def test_quantile_refuses():
    x = torch.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"q must be in the range \[0, 1\] but got 1.5"):
        torch.quantile(x, 1.5)
    with pytest.raises(RuntimeError, match="interpolation must be one of"):
        torch.quantile(x, 0.5, interpolation="cubic")
    with pytest.raises(RuntimeError, match="must be either float or double"):
        torch.quantile(torch.tensor([1, 2]), 0.5)
    with pytest.raises(RuntimeError, match="must be non-empty"):
        torch.quantile(torch.empty(0), 0.5)
    with pytest.raises(RuntimeError, match="same dtype"):
        torch.quantile(x, torch.tensor([0.5], dtype=torch.float64))


def test_places_and_coordinates():
    x = torch.tensor([[0, 3], [5, 0]])
    assert values(torch.nonzero_static(x, size=3)) == [[0, 1], [1, 0], [-1, -1]]
    assert values(x.nonzero_static(size=1, fill_value=9)) == [[0, 1]]
    assert values(torch.unravel_index(torch.tensor([5, 7]), (3, 4))) == [[1, 1], [1, 3]]
    assert values(torch.unravel_index(torch.tensor(5), 4)) == [1]
    with pytest.raises(TypeError, match="expected 'indices' to be integer dtype"):
        torch.unravel_index(torch.tensor([1.0]), (2,))
    with pytest.raises(ValueError, match="cannot have negative values"):
        torch.unravel_index(torch.tensor([1]), (-2,))
