"""Indexing, joining and placing inside vmap, jvp and grad: all examples at once, with and without grad around."""

import warnings

import pytest

from tests.subject import torch

func = torch.func
grad, jvp, vjp, vmap = func.grad, func.jvp, func.vjp, func.vmap
EXAMPLES = 4


@pytest.fixture(autouse=True)
def _seeded_and_without_loops_over_examples():
    torch.manual_seed(11)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert torch._core._open_levels() == 0


def doubles(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def close(actual, expected):
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max().item() < 1e-9


X = (3, 4, 5)
COLUMN = torch.tensor([[3], [0]])
MASK = torch.tensor([True, False, True, True])
FULL = torch.tensor([[0, 2, 1, 0], [2, 2, 0, 1]])[:, :, None].expand(2, 4, 5)
READS = {
    "select": (lambda x, i: x[i], [[0], [2], [1], [0]], ()),
    "numbers": (lambda x, i: x[i], [[0, 1], [2, 2], [1, 0], [2, 0]], (2,)),
    "behind": (lambda x, i: x[:, i], [[0, 3], [2, 2], [1, 0], [2, 0]], (2,)),
    "last": (lambda x, i: x[..., i], [[0, 3], [2, 4], [1, 0], [2, 0]], (2,)),
    "adjacent": (lambda x, i: x[:, i, COLUMN], [[0, 3], [2, 2], [1, 0], [2, 0]], (2,)),
    "apart": (lambda x, i: x[i, :, COLUMN], [[0, 1], [2, 2], [1, 0], [2, 0]], (2,)),
    "with mask": (lambda x, i: x[i, MASK], [[0, 1, 1], [2, 2, 0], [1, 0, 2], [2, 0, 0]], (3,)),
    "index_select": (lambda x, i: x.index_select(1, i), [[0, 3], [2, 2], [1, 0], [2, 0]], (2,)),
    "gather": (lambda x, i: x.gather(0, FULL + 0 * i.sum()), [[0], [2], [1], [0]], (1,)),
    "gather few": (lambda x, i: x[0, 0].gather(0, i), [[0], [2], [1], [0]], (1,)),
    "cat": (lambda x, i: torch.cat([x, x[:1] * 2], 0), [[0]] * 4, ()),
    "stack": (lambda x, i: torch.stack([x, x * 3], -1), [[0]] * 4, ()),
    "masked_fill": (lambda x, i: x.masked_fill(MASK[:, None], 7.0), [[0]] * 4, ()),
    "take_along_dim": (lambda x, i: torch.take_along_dim(x, i[:, None, None], 0), [[0], [2], [1], [0]], (1,)),
}


WRITES = {
    "scatter": (lambda x, s, i: x.scatter(1, i.expand(4, 2), s), (4, 3), (4, 2), (1, 2)),
    "scatter_add": (lambda x, s, i: x.scatter_add(1, i.expand(4, 2), s), (4, 3), (4, 2), (1, 2)),
    "scatter number": (lambda x, s, i: x.scatter(1, i.expand(4, 2), 5.0), (4, 3), (4, 2), (1, 2)),
    "index_add": (lambda x, s, i: x.index_add(1, i, s, alpha=2), (4, 3), (4, 2), (2,)),
    "index_copy": (lambda x, s, i: x.index_copy(1, i, s), (4, 3), (4, 2), (2,)),
    "index_fill": (lambda x, s, i: x.index_fill(1, i - 3, 2.0) * s.sum(), (4, 3), (4, 2), (2,)),
    "index_put": (lambda x, s, i: x.index_put((torch.tensor([0, 3]), i), s), (4, 3), (2,), (2,)),
    "accumulate": (lambda x, s, i: x.index_put((i,), s, accumulate=True), (3, 4), (4,), (2,)),
}


def examples_of(shape, low, high):
    return torch.stack([torch.randperm(high - low)[: shape[-1]].reshape(shape) + low for _ in range(EXAMPLES)])


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)])
def test_reads_batch_and_are_differentiated_both_ways(name, in_dims):
    function, numbers, shape = READS[name]
    x = doubles(EXAMPLES, *X) if in_dims[0] == 0 else doubles(*X)
    i = torch.tensor(numbers).reshape(EXAMPLES, *shape)
    i = i if in_dims[1] == 0 else i[1]

    def one(k):
        return (x if in_dims[0] is None else x[k]), (i if in_dims[1] is None else i[k])

    squared = lambda x, i: function(x * x, i)  # noqa: E731
    looped = lambda x, i: torch.stack([  # noqa: E731
        squared(x if in_dims[0] is None else x[k], i if in_dims[1] is None else i[k]) for k in range(EXAMPLES)
    ])  # fmt: skip
    close(vmap(squared, in_dims)(x, i), looped(x, i))
    t = torch.randn_like(x)
    value, along = jvp(lambda x: vmap(squared, in_dims)(x, i), (x,), (t,))
    weights = torch.randn_like(value)
    leaf = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(looped(leaf, i), leaf, weights)
    close(vjp(lambda x: vmap(squared, in_dims)(x, i), x)[1](weights)[0], g)
    assert abs((along * weights).sum().item() - (g * t).sum().item()) < 1e-9
    inside = vmap(grad(lambda x, i, w: (squared(x, i) * w).sum()), (*in_dims, 0))(x, i, weights)
    close(inside if in_dims[0] == 0 else inside.sum(0), g)


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(
    "in_dims", [(0, 0, 0), (0, 0, None), (0, None, 0), (None, 0, 0), (None, 0, None), (0, None, None)]
)
def test_writes_batch_and_are_differentiated_both_ways(name, in_dims):
    function, *shapes = WRITES[name]
    x, s = (doubles(EXAMPLES, *n) if d == 0 else doubles(*n) for n, d in zip(shapes[:2], in_dims[:2], strict=True))
    i = examples_of(shapes[2], 0, 3)
    i = i if in_dims[2] == 0 else i[1]

    def looped(x, s, i):
        parts = ((v if d is None else v[k] for v, d in zip((x, s, i), in_dims, strict=True)) for k in range(EXAMPLES))
        return torch.stack([function(*part) for part in parts])

    batch = vmap(function, in_dims)
    close(batch(x, s, i), looped(x, s, i))
    u, v = torch.randn_like(x), torch.randn_like(s)
    value, along = jvp(lambda x, s: batch(x, s, i), (x, s), (u, v))
    weights = torch.randn_like(value)
    a, b = x.clone().requires_grad_(), s.clone().requires_grad_()
    ga, gb = torch.autograd.grad(looped(a, b, i), (a, b), weights, materialize_grads=True)
    for mine, expected in zip(vjp(lambda x, s: batch(x, s, i), x, s)[1](weights), (ga, gb), strict=True):
        close(mine, expected)
    assert abs((along * weights).sum().item() - (ga * u).sum().item() - (gb * v).sum().item()) < 1e-9
    inside = vmap(grad(lambda x, s, i, w: (function(x, s, i) * w).sum(), argnums=(0, 1)), (*in_dims, 0))
    for mine, expected, d in zip(inside(x, s, i, weights), (ga, gb), in_dims, strict=False):
        close(mine if d == 0 else mine.sum(0), expected)


def test_writes_in_place_reach_every_example_and_its_gradient():
    x, s = doubles(EXAMPLES, 5), doubles(EXAMPLES, 2)
    i = torch.tensor([[0, 1], [4, 2], [3, 3], [1, 0]])

    def written(x, s, i):
        y = x * 2
        y[i] = s
        y.index_add_(0, i, s)
        return y

    def each(function):
        return torch.stack([function(x[k], s[k], i[k]) for k in range(EXAMPLES)])

    close(vmap(written)(x, s, i), each(written))
    slope = grad(lambda x, s, i: (written(x, s, i) ** 2).sum(), argnums=1)
    close(vmap(slope)(x, s, i), each(slope))


def test_grad_inside_and_outside_of_a_batch_of_indexing():
    table, i = doubles(6, 3), torch.tensor([[0, 1], [5, 5], [2, 3]])

    def inner(table, i):
        return torch.cat([table[i].sin(), table.index_select(0, i)]).pow(2).sum()

    def outer(table):
        return vmap(grad(inner), (None, 0))(table, i).pow(2).sum()

    leaf = table.clone().requires_grad_()
    total = 0
    for k in range(3):
        (g,) = torch.autograd.grad(inner(leaf, i[k]), leaf, create_graph=True)
        total = total + g.pow(2).sum()
    (expected,) = torch.autograd.grad(total, leaf)
    close(grad(outer)(table), expected)


def test_a_mask_of_each_example_is_refused_and_a_write_into_what_is_the_same_for_all_too():
    x, mask = doubles(EXAMPLES, 3), doubles(EXAMPLES, 3) > 0
    with pytest.raises(RuntimeError, match="results of different sizes"):
        vmap(lambda x, m: x[m])(x, mask)
    with pytest.raises(RuntimeError, match="vmap: .* is not possible because there exists a Tensor"):
        vmap(lambda s: torch.zeros(3, dtype=torch.float64).index_add_(0, torch.tensor([0]), s))(doubles(EXAMPLES, 1))
