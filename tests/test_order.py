"""Sorting and selection: orders of every dtype, NaN and signed zeros, ties, derivatives of every kind, out=."""

import math

import numpy
import pytest

from tests.subject import assert_close, assert_same, leaf, torch, values

inf, nan = math.inf, math.nan

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
# Below and above the length from which digits are sorted, for every size of key, and beyond one chunk.
LENGTHS = [0, 1, 2, 17, 300, 2000, 70000]


def numbers(dtype, length):
    """Numbers with ties, of both signs where there are signs, and the ends of the range."""
    draws = torch.randint(0, 250, (length,), generator=torch.Generator().manual_seed(length))
    if dtype in ("int8", "int16", "int32", "int64"):
        ends = {"int8": 1, "int16": 1 << 8, "int32": 1 << 24, "int64": 1 << 56}[dtype]
        draws = (draws - 125) * ends
    elif dtype.startswith(("float", "bfloat")):
        draws = (draws - 125) / 8
    return draws.to(getattr(torch, dtype))


def as_float64(x):
    """The elements as float64, or as they are if they would not fit."""
    return x.numpy() if x.dtype == torch.int64 else x.to(torch.float64).numpy()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sort_is_stable_in_both_directions(dtype, length):
    x = numbers(dtype, length)
    plain = as_float64(x)
    for descending in (False, True):
        found, indices = torch.sort(x, descending=descending, stable=True)
        order = numpy.argsort(-plain if descending else plain, kind="stable")
        assert indices.dtype == torch.int64 and found.dtype == x.dtype
        assert numpy.array_equal(indices.numpy(), order)
        assert numpy.array_equal(as_float64(found), plain[order])
        assert numpy.array_equal(torch.argsort(x, descending=descending, stable=True).numpy(), order)


@pytest.mark.parametrize("length", [1, 300])
def test_nan_is_the_largest_and_zeros_are_equal(length):
    x = torch.tensor([0.0, nan, -0.0, -inf, inf, 1.0] * length)
    found, indices = torch.sort(x, stable=True)
    expected = [[-inf] * length, [0.0, -0.0] * length, [1.0] * length, [inf] * length, [nan] * length]
    assert_same(found, sum(expected, []))
    assert values(indices[length : length + 2]) == [0, 2]
    assert_same(torch.sort(x, descending=True, stable=True)[0][: 2 * length], [nan] * length + [inf] * length)


def test_sort_bits_of_nan_and_zero_survive():
    bits = torch.tensor([0x7FC00001, -0x400000 + 5, -(1 << 31), 0], dtype=torch.int32)
    found, indices = torch.sort(bits.view(torch.float32), stable=True)
    assert values(found.view(torch.int32)) == [bits[i].item() for i in indices]


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_sort_along_any_dimension_of_any_layout(dim):
    plain = numpy.random.default_rng(1).standard_normal((5, 6, 7))
    for order in ((0, 1, 2), (2, 0, 1)):
        x = torch.from_numpy(plain.transpose(numpy.argsort(order)).copy()).permute(order)
        assert numpy.array_equal(x.numpy(), plain)
        found, indices = x.sort(dim)
        assert found.stride() == x.stride() == indices.stride()
        assert numpy.array_equal(found.numpy(), numpy.sort(plain, dim))
        assert numpy.array_equal(x.gather(dim, indices).numpy(), found.numpy())
        part = x[:, ::2, 1:4]
        assert numpy.array_equal(part.sort(dim).values.numpy(), numpy.sort(plain[:, ::2, 1:4], dim))


def test_names_keywords_and_results_given():
    x = torch.tensor([[3.0, 1.0, 2.0]])
    assert type(torch.sort(x)) is torch.return_types.sort and type(x.topk(1)) is torch.return_types.topk
    assert type(x.median(0)) is torch.return_types.median and type(x.median()) is torch.Tensor
    assert type(x.nanmedian(dim=1)) is torch.return_types.nanmedian
    assert values(x.median(dim=1, keepdim=True).values) == [[2.0]]
    assert values(x.kthvalue(1, keepdim=True).indices) == [[1]]
    held, places = torch.empty(0), torch.empty(0, dtype=torch.int64)
    result = torch.sort(x, dim=1, out=(held, places))
    assert result.values is held and result.indices is places
    assert values(held) == [[1.0, 2.0, 3.0]] and values(places) == [[1, 2, 0]]
    assert values(torch.msort(x.t())) == [[1.0], [2.0], [3.0]]
    assert values(torch.topk(x, 2, sorted=True, largest=False).values) == [[1.0, 2.0]]


def test_refused():
    x = torch.tensor([3.0, 1.0])
    held, places = torch.empty(0), torch.empty(0, dtype=torch.int64)
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype"):
        torch.sort(x, out=(torch.empty(0, dtype=torch.float64), places))
    with pytest.raises(TypeError, match="out"):
        torch.sort(x, out=held)
    with pytest.raises(RuntimeError, match="selected index k out of range"):
        x.topk(3)
    with pytest.raises(RuntimeError, match="selected number k out of range for dimension 0"):
        x.kthvalue(0)
    with pytest.raises(IndexError, match="Expected reduction dim 0 to have non-zero size"):
        torch.empty(0, 2).mode(0)
    with pytest.raises(RuntimeError, match="does not support complex"):
        torch.tensor([1j]).sort()
    with pytest.raises(NotImplementedError, match="\"median_out\" not implemented for 'Bool'"):
        torch.tensor([True]).median(0)
    with pytest.raises(RuntimeError, match="single memory location"):
        torch.kthvalue(x, 1, out=(x, places))


def test_medians_and_modes_of_special_lines():
    x = torch.tensor([[nan, 1.0, 2.0, 3.0], [4.0, 2.0, 2.0, 4.0]])
    assert_same(x.median(1).values, [nan, 2.0])
    assert_same(x.median(1).indices, [0, 2])
    assert_same(x.nanmedian(1).values, [2.0, 2.0])
    assert_same([x.median(), x.nanmedian()], [nan, 2.0])
    assert_same(x.mode(1).values[1], 2.0)
    assert_same(torch.tensor([nan, nan]).nanmedian(0).values, nan)
    assert math.isnan(torch.empty(0).median().item())
    assert_same(torch.tensor([5, 5, 1, 1, 3]).mode().values, 1)


SELECTIONS = {
    "sort": lambda x: x.sort(0, descending=True).values,
    "msort": torch.msort,
    "topk": lambda x: x.topk(2, 1).values,
    "kthvalue": lambda x: x.kthvalue(2, 0).values,
    "kthvalue, kept": lambda x: x.kthvalue(2, -1, keepdim=True).values,
    "median": lambda x: x.median(1).values,
    "nanmedian": lambda x: x.nanmedian(0, keepdim=True).values,
    "mode": lambda x: x.mode(1).values,
    "max": lambda x: x.max(1).values,
}


@pytest.mark.parametrize("select", SELECTIONS.values(), ids=SELECTIONS.keys())
def test_gradients_go_back_twice(select):
    x = leaf([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0], [9.0, 7.0, 8.0]], dtype=torch.float64)
    out = select(x)
    weights = torch.arange(1.0, out.numel() + 1, dtype=torch.float64).reshape(out.shape)
    (g,) = torch.autograd.grad((out**3 * weights).sum(), x, create_graph=True)
    # A selection is linear near x: the gradient of sum(w out^3) is 3 w out^2 where out stood, its own 6 w out.
    chosen = torch.zeros_like(x)
    for value, weight in zip(out.flatten().tolist(), weights.flatten().tolist(), strict=True):
        chosen += weight * (x.detach() == value)
    assert_close(g, 3 * chosen * x.detach() ** 2)
    (second,) = torch.autograd.grad(g.sum(), x)
    assert_close(second, 6 * chosen * x.detach())


@pytest.mark.parametrize("select", SELECTIONS.values(), ids=SELECTIONS.keys())
def test_transforms_compose(select):
    func = torch.func
    x = torch.randn(4, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    t = x.flip(0) if hasattr(x, "flip") else x * 2 + 1
    assert_same(func.vmap(select)(x), torch.stack([select(part) for part in x]))
    out, tangent = func.jvp(select, (x[0],), (t[0],))
    small = 1e-6
    assert_close(tangent, (select(x[0] + small * t[0]) - out) / small, rtol=1e-4, atol=1e-4)

    def loss(y):
        return (select(y) ** 3).sum()

    singles = torch.stack([func.grad(loss)(part) for part in x])
    assert_close(func.vmap(func.grad(loss))(x), singles)
    assert_close(func.grad(lambda whole: func.vmap(loss)(whole).sum())(x), singles)
    pushed = func.vmap(lambda a, b: func.jvp(func.grad(loss), (a,), (b,))[1])(x, t)
    assert_close(pushed[0], func.jvp(func.grad(loss), (x[0],), (t[0],))[1])


def test_batches_of_numbers():
    x = torch.tensor([3.0, 1.0])
    assert values(torch.func.vmap(lambda y: y.sort().values)(x)) == [3.0, 1.0]
    assert values(torch.func.vmap(lambda y: y.median(0).values)(x)) == [3.0, 1.0]
    assert values(torch.func.vmap(torch.func.grad(lambda y: y.topk(1).values ** 2))(x)) == [6.0, 2.0]


def test_median_of_all_shares_the_gradient():
    x = leaf([2.0, 1.0, 2.0, 5.0])
    x.median().backward()
    assert values(x.grad) == [0.5, 0.0, 0.5, 0.0]
    y = leaf([nan, 1.0, nan])
    y.median().backward()
    assert values(y.grad) == [0.5, 0.0, 0.5]
