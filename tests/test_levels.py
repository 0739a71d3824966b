"""grad, vjp, jvp and vmap compose in any order, and say so when they cannot."""

import gc

import pytest

from tests.subject import torch

func = torch.func
grad, jvp, vjp, vmap = func.grad, func.jvp, func.vjp, func.vmap


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(7)
    yield
    assert torch._core._open_levels() == 0  # Whatever happened, every level was closed.


def close(actual, expected, tolerance=1e-9):
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    assert (actual - expected).abs().max().item() < tolerance


def doubles(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def product(x):
    return (x[0] * x[1] * x[2]).exp()


def hessian_by_autograd(function, point):
    x = point.clone().requires_grad_()
    (g,) = torch.autograd.grad(function(x), x, create_graph=True)
    return torch.stack([torch.autograd.grad(g[i], x, retain_graph=True)[0] for i in range(len(x))])


def test_grad_needs_no_flag_and_leaves_none():
    x, w = doubles(3), doubles(3)
    g = grad(lambda x: (x.sin() * w).sum())(x)
    close(g, x.cos() * w)
    assert not g.requires_grad and not x.requires_grad


def test_grad_under_no_grad_differentiates_and_no_grad_inside_blocks():
    x = doubles(3)
    with torch.no_grad():
        close(grad(lambda x: (x * x).sum())(x), 2 * x)

    def blocked(x):
        with torch.no_grad():
            return (x * x).sum()

    close(grad(blocked)(x), x * 0)


def test_jvp_of_vmap_of_grad():
    x, w, t = doubles(5, 3), doubles(3), doubles(5, 3)
    value, tangent = jvp(vmap(grad(lambda x: (x.sin() * w).sum())), (x,), (t,))
    close(value, x.cos() * w)
    close(tangent, -x.sin() * w * t)


def test_grad_of_vmap_and_vmap_of_grad_agree():
    x, w = doubles(5, 3), doubles(3)
    each = lambda x: (x.sin() * w).sum()  # noqa: E731
    close(grad(lambda x: vmap(each)(x).sum())(x), vmap(grad(each))(x))


def basis(x):
    return torch.eye(len(x), dtype=x.dtype)


def curvature(function, x, u, v):
    return jvp(lambda y: jvp(function, (y,), (u,))[1], (x,), (v,))[1]


HESSIANS = {
    "forward over reverse": lambda f, x: vmap(lambda v: jvp(grad(f), (x,), (v,))[1])(basis(x)),
    "reverse over reverse": lambda f, x: vmap(lambda v: vjp(grad(f), x)[1](v)[0])(basis(x)),
    "reverse over forward": lambda f, x: vmap(lambda v: grad(lambda y: jvp(f, (y,), (v,))[1])(x))(basis(x)),
    "forward over forward": lambda f, x: vmap(lambda u: vmap(lambda v: curvature(f, x, u, v))(basis(x)))(basis(x)),
}


@pytest.mark.parametrize("way", HESSIANS)
def test_second_derivatives_agree_in_every_composition(way):
    x = doubles(3)
    close(HESSIANS[way](product, x), hessian_by_autograd(product, x))


@pytest.mark.parametrize("inner", [grad, lambda f: lambda y: jvp(f, (y,), (torch.tensor(1.0),))[1]])
def test_perturbations_of_nested_levels_are_not_confused(inner):
    function = lambda x: x * inner(lambda y: x + y)(torch.tensor(1.0))  # noqa: E731
    two, one = torch.tensor(2.0), torch.tensor(1.0)
    assert grad(function)(two).item() == 1
    assert jvp(function, (two,), (one,))[1].item() == 1


def loss(weight, x, y):
    return ((weight @ x).tanh() - y).pow(2).mean()


def test_gradients_per_example_are_those_of_a_loop():
    weight, x, y = doubles(4, 3), doubles(5, 3), doubles(5, 4)
    each = vmap(grad(loss), in_dims=(None, 0, 0))(weight, x, y)
    close(each, torch.stack([grad(loss)(weight, x[i], y[i]) for i in range(5)]))


def test_a_weight_outside_gets_the_gradient_of_gradients_per_example():
    weight, x, y = doubles(4, 3), doubles(5, 3), doubles(5, 4)
    inside = weight.clone().requires_grad_()
    vmap(grad(loss), in_dims=(None, 0, 0))(inside, x, y).pow(2).sum().backward()
    outside = weight.clone().requires_grad_()
    for i in range(5):
        (g,) = torch.autograd.grad(loss(outside, x[i], y[i]), outside, create_graph=True)
        g.pow(2).sum().backward()
    close(inside.grad, outside.grad)


def test_grad_through_a_jvp_inside_reaches_a_flag_outside():
    x = doubles(3).requires_grad_()
    (jvp(grad(lambda y: (y**3).sum()), (x,), (torch.ones(3, dtype=x.dtype),))[1]).sum().backward()
    close(x.grad, torch.full((3,), 6.0, dtype=torch.float64))


PRODUCTS = [((3,), (3,)), ((4, 3), (3,)), ((3,), (3, 2)), ((4, 3), (3, 2)), ((2, 4, 3), (2, 3, 5)), ((2, 4, 3), (3, 5))]


@pytest.mark.parametrize(("left", "right"), PRODUCTS)
@pytest.mark.parametrize("in_dims", [(0, 0), (0, None), (None, 0)])
def test_products_batch_and_have_tangents(left, right, in_dims):
    x = doubles(6, *left) if in_dims[0] == 0 else doubles(*left)
    y = doubles(6, *right) if in_dims[1] == 0 else doubles(*right)
    u, v = torch.randn_like(x), torch.randn_like(y)

    def pick(z, dim, i):
        return z[i] if dim == 0 else z

    examples = [(pick(x, in_dims[0], i), pick(y, in_dims[1], i)) for i in range(6)]
    close(vmap(torch.matmul, in_dims)(x, y), torch.stack([a @ b for a, b in examples]))
    tangent = jvp(lambda x, y: vmap(torch.matmul, in_dims)(x, y), (x, y), (u, v))[1]
    along = [pick(u, in_dims[0], i) @ b + a @ pick(v, in_dims[1], i) for i, (a, b) in enumerate(examples)]
    close(tangent, torch.stack(along))


VIEWS = {
    "select": lambda x: x.select(1, 1),
    "slice": lambda x: x[:, ::2],
    "permute": lambda x: x.permute(2, 0, 1),
    "transpose": lambda x: x.transpose(0, -1),
    "t": lambda x: x[0].t(),
    "expand": lambda x: x[0].expand(4, -1, -1),
    "view": lambda x: x.view(-1, 4),
    "reshape": lambda x: x.transpose(0, 1).reshape(4, 6),
    "unsqueeze": lambda x: x.unsqueeze(-1),
    "squeeze": lambda x: x[:1].squeeze(),
    "squeeze dim": lambda x: x[:, :1].squeeze(1),
    "split": lambda x: x.split(2, 1)[0],
    "unbind": lambda x: x.unbind(1)[2],
    "sum": lambda x: x.sum(),
    "sum dim": lambda x: x.sum((0, 2), keepdim=True),
    "mean": lambda x: x.mean(-1),
    "number": lambda x: x.sum().transpose(0, 0).reshape(1),
    "max": lambda x: x.max(1).values,
    "softmax": lambda x: torch.softmax(x, 1),
    "indexing": lambda x: x[None, 1, ..., -1],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_and_sums_batch_and_are_differentiated_both_ways(name):
    function = VIEWS[name]
    x, t = doubles(5, 2, 3, 4), doubles(5, 2, 3, 4)
    close(vmap(function)(x), torch.stack([function(x[i]) for i in range(5)]))
    squared = lambda z: function(z * z)  # noqa: E731
    along = jvp(vmap(squared), (x,), (t,))[1]
    weights = torch.randn_like(along)
    (g,) = vjp(vmap(squared), x)[1](weights)
    assert abs((along * weights).sum().item() - (g * t).sum().item()) < 1e-9
    per_example = vmap(grad(lambda z, w: (squared(z) * w).sum()))(x, weights)
    close(per_example, g)


def test_in_and_out_dims_say_where_examples_lie():
    x, y = doubles(3, 5), doubles(5, 3)
    out = vmap(lambda a, b: a * b, in_dims=(1, 0), out_dims=1)(x, y)
    close(out, x * y.t())
    nested = vmap(lambda a: vmap(lambda b: (a * b).sum())(y))(x.t())
    close(nested, x.t() @ y.t())
    close(vmap(lambda d: d["a"] + d["b"], in_dims=({"a": 0, "b": None},))({"a": y, "b": y[0]}), y + y[0])


def test_promotion_looks_at_one_example():
    numbers, vectors = torch.randn(4, dtype=torch.float64), torch.randn(4, 3)
    out = vmap(lambda a, b: a * b)(numbers, vectors)  # A 0-dimensional double does not widen a vector of floats.
    assert out.dtype is torch.float32


def test_operations_without_a_rule_run_example_by_example_and_say_so_once():
    x, t = doubles(5, 3), doubles(5, 3)
    function = lambda x: torch.block_diag(x, 2 * x)  # noqa: E731
    expected = torch.stack([function(x[i]) for i in range(5)])
    with pytest.warns(UserWarning, match="no batching rule for _block_diag"):
        close(vmap(function)(x), expected)
    close(vmap(function)(x), expected)
    close(jvp(function, (x,), (t,))[1], function(t))


def test_in_place_writes_act_on_what_a_level_holds():
    x, t = doubles(5, 3), doubles(5, 3)

    def overwrite(x):
        y = x * 2
        y.mul_(x)
        y[0] = 1
        return y.sum()

    mask = torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)
    close(vmap(overwrite)(x), (2 * x * x * mask).sum(1) + 1)
    close(jvp(overwrite, (x[0],), (t[0],))[1], (4 * x[0] * t[0] * mask).sum())
    close(grad(overwrite)(x[0]), 4 * x[0] * mask)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda v: v.sum().item(), r"\.item\(\) on a Tensor"),
        (lambda v: v if v.sum() > 0 else -v, "data-dependent control flow"),
        (lambda v: v + torch.rand(3), "random operation while in randomness error mode"),
        (lambda v: torch.zeros(3, dtype=v.dtype).add_(v), "more elements than `self`"),
        (lambda v: v.numpy(), "no rule for these levels"),
    ],
)
def test_what_a_batch_cannot_do_is_refused(function, message):
    with pytest.raises(RuntimeError, match=message):
        vmap(function)(doubles(5, 3))


def test_writing_through_a_view_that_grad_follows_inside_vmap_is_refused():
    def overwrite(x):
        y = x * 2
        y[0] = 1
        return y.sum()

    with pytest.raises(RuntimeError, match="writing through views is not supported"):
        vmap(grad(overwrite))(doubles(5, 3))


def test_bad_arguments_are_named():
    x = doubles(5, 3)
    with pytest.raises(RuntimeError, match="Expected f.*to return a scalar tensor, got tensor with 2 dims"):
        grad(lambda v: v.sin())(x)
    with pytest.raises(ValueError, match=r"same size in the mapped dimension, got sizes \[5, 3\]"):
        vmap(lambda a, b: a + b, in_dims=(0, 1))(x, x)
    with pytest.raises(ValueError, match="at least one input must have a mapped dimension"):
        vmap(lambda a: a, in_dims=None)(x)
    with pytest.raises(ValueError, match="must only return Tensors"):
        vmap(lambda a: 3)(x)
    with pytest.raises(RuntimeError, match="different size than that of the original"):
        jvp(lambda a: a, (x,), (x[0],))


def test_a_wrapper_that_outlives_its_level_cannot_be_read():
    kept = []

    def leak(v):
        kept.append(v)
        return v

    vmap(leak)(doubles(5, 3))
    with pytest.raises(RuntimeError, match="no rule for these levels"):
        (kept[0] + 1).tolist()


def test_an_exception_inside_closes_the_levels():
    def broken(x):
        raise KeyError("mine")

    for transform in (grad(broken), vmap(broken), lambda x: jvp(broken, (x,), (x,)), vmap(grad(broken))):
        with pytest.raises(KeyError, match="mine"):
            transform(doubles(3))


def test_hooks_inside_see_gradients_of_one_example():
    shapes = []

    def hooked(x):
        y = x * 2
        y.register_hook(lambda g: (shapes.append(tuple(g.shape)), g * 10)[1])
        return y.sum()

    close(vmap(grad(hooked))(doubles(5, 3)), torch.full((5, 3), 20.0, dtype=torch.float64))
    assert shapes == [(3,)]


def test_wrappers_print_what_they_hold_and_give_python_their_primal():
    seen = []

    def look(x):
        seen.append((repr(x), float(x.sum())))
        return x

    jvp(look, (torch.ones(2),), (torch.zeros(2),))
    assert seen == [("tensor([1., 1.], tangent=tensor([0., 0.]))", 2.0)]
    vmap(lambda x: (seen.append(repr(x)), x)[1])(torch.ones(1, 2))
    assert seen[-1] == "BatchedTensor(lvl=1, bdim=0, value=tensor([[1., 1.]]))"


def test_the_collector_frees_what_levels_made():
    def cycle(x):
        y = x * 2
        y.register_hook(lambda g: g + 0 * y.detach())
        return y.sum()

    vmap(grad(cycle))(doubles(5, 3))
    gc.collect()
    before = torch._core._memory()["in_use"]
    for _ in range(20):
        vmap(grad(cycle))(doubles(5, 3))
    gc.collect()
    assert torch._core._memory()["in_use"] <= before + 4096


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_grad_follows_operations_without_a_rule_inside_a_batch():
    weight, x, classes = doubles(4, 3), doubles(5, 3), torch.randint(0, 4, (5,))

    def entropy(weight, x, target):
        return torch.nn.functional.cross_entropy((weight @ x)[None], target[None])

    each = vmap(grad(entropy), in_dims=(None, 0, 0))(weight, x, classes)
    close(each, torch.stack([grad(entropy)(weight, x[i], classes[i]) for i in range(5)]))

    def joined(w, x):
        return (torch.block_diag(x * w, w * w) ** 2).sum()

    each = vmap(grad(joined), in_dims=(None, 0))(weight[0], x)
    close(each, torch.stack([grad(joined)(weight[0], x[i]) for i in range(5)]))


class Tripled(torch.autograd.Function):
    """A backward that is not its forward's, so that passing it over would be seen."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x


def test_a_custom_function_keeps_its_own_backward_inside_a_batch_or_is_refused():
    x = doubles(5, 3)
    close(vmap(Tripled.apply)(x), x * x)
    close(vmap(grad(lambda x: Tripled.apply(x).sum()))(x), 3 * x)
    with pytest.raises(RuntimeError, match="You must implement the jvp function"):
        jvp(Tripled.apply, (x,), (x,))
    with pytest.raises(RuntimeError, match="You tried to vmap over .*Tripled, but it does not have vmap support"):
        grad(lambda x: vmap(Tripled.apply)(x).sum())(x)
