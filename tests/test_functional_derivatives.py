"""autograd.functional: products with derivatives and their matrices, and what strict mode refuses."""

import pytest

from tests.subject import assert_close, torch, values

F = torch.autograd.functional


def f(x):
    return torch.tensor(x, dtype=torch.float64)


X, Y = f([0.3, -1.2]), f([[1.0, 0.5], [-0.7, 2.0]])
V = f([0.7, 0.2])


def mixed(x, y):
    return y @ x.cos(), (x * x).sum()


def number(x, y):
    return (x**3).sum() + (x * (y @ x)).sum()


def test_products_are_rows_and_columns_of_the_jacobian():
    jacobian = F.jacobian(mixed, (X, Y))
    assert [[x.shape for x in row] for row in jacobian] == [[(2, 2), (2, 2, 2)], [(2,), (2, 2)]]
    outputs, product = F.vjp(mixed, (X, Y), (V, f(2.0)))
    assert_close(outputs, values(mixed(X, Y)))
    for of_input, (first, second) in zip(product, zip(*jacobian, strict=True), strict=True):
        assert_close(of_input, values(torch.tensordot(V, first, 1) + 2 * second), rtol=1e-9)
    _, moved = F.jvp(mixed, (X, Y), (V, Y + 1))
    for moved_output, (by_x, by_y) in zip(moved, jacobian, strict=True):
        assert_close(moved_output, values(by_x @ V + (by_y * (Y + 1)).sum((-2, -1))), rtol=1e-9)


def test_products_with_the_hessian_are_those_of_its_matrix():
    ((xx, xy), (yx, yy)) = F.hessian(number, (X, Y))
    assert_close(xx, [[6 * 0.3 + 2, -0.2], [-0.2, -7.2 + 4]], rtol=1e-9)
    assert_close(yx, values(xy.movedim(0, -1)), rtol=1e-9)
    assert yy.abs().max() == 0
    for product in (F.hvp, F.vhp):
        value, (of_x, of_y) = product(number, (X, Y), (V, Y + 1))
        assert_close(value, values(number(X, Y)))
        assert_close(of_x, values(xx @ V + (xy * (Y + 1)).sum((-2, -1))), rtol=1e-9)
        assert_close(of_y, values((yx * V).sum(-1)), rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}])
def test_every_way_to_the_jacobian_gives_the_same(options):
    wanted = [[values(x) for x in row] for row in F.jacobian(mixed, (X, Y))]
    assert_close([list(row) for row in F.jacobian(mixed, (X, Y), **options)], wanted, rtol=1e-9)
    assert_close(F.jacobian(torch.exp, X, **options), values(X.exp().diag()), rtol=1e-9)


@pytest.mark.parametrize(
    "options", [{}, {"vectorize": True}, {"vectorize": True, "outer_jacobian_strategy": "forward-mode"}]
)
def test_every_way_to_the_hessian_gives_the_same(options):
    wanted = [[values(x) for x in row] for row in F.hessian(number, (X, Y))]
    assert_close([list(row) for row in F.hessian(number, (X, Y), **options)], wanted, rtol=1e-9, atol=1e-12)


def test_results_have_a_graph_only_when_it_is_asked_for():
    x = X.clone().requires_grad_()
    assert not F.jacobian(torch.sin, x).requires_grad and not F.vjp(torch.sin, x, V)[1].requires_grad
    jacobian = F.jacobian(torch.sin, x, create_graph=True)
    (g,) = torch.autograd.grad(jacobian.sum(), x)
    assert_close(g, values(-X.sin()), rtol=1e-9)
    (g,) = torch.autograd.grad(F.hvp(lambda x: (x**4).sum(), x, V, create_graph=True)[1].sum(), x)
    assert_close(g, values(24 * X * V), rtol=1e-9)
    assert x.grad is None


def test_strict_mode_refuses_what_does_not_depend_on_the_inputs():
    def constant(x):
        return torch.ones(2, dtype=torch.float64)

    assert F.jacobian(constant, X).tolist() == [[0, 0], [0, 0]]
    for refused in (F.jacobian, F.vjp, F.jvp):
        arguments = () if refused is F.jacobian else (V,)
        with pytest.raises(RuntimeError, match="Output 0 of the user-provided function does not require gradients"):
            refused(constant, X, *arguments, strict=True)
    with pytest.raises(RuntimeError, match="is independent of input 1"):
        F.jacobian(lambda x, y: x * 2, (X, Y), strict=True)
    for second in (F.hessian, lambda *args, **kwargs: F.hvp(*args, V, **kwargs)):
        with pytest.raises(RuntimeError, match="this would be violated by a linear function"):
            second(lambda x: (2 * x).sum(), X, strict=True)


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="must be either a Tensor or a tuple of Tensors but the given inputs has type"):
        F.jacobian(torch.exp, [X])
    with pytest.raises(RuntimeError, match="The vector v can only be None if the user-provided function returns"):
        F.vjp(torch.exp, X)
    with pytest.raises(RuntimeError, match=r"v has invalid size: should be torch.Size\(\[2\]\)"):
        F.vjp(torch.exp, X, Y)
    with pytest.raises(RuntimeError, match="should contain a single element"):
        F.hessian(torch.exp, X)
    with pytest.raises(NotImplementedError, match="isonly implemented for `vectorize=True`"):
        F.jacobian(torch.exp, X, strategy="forward-mode")


def test_batched_gradients_are_those_of_each_weight():
    x = X.clone().requires_grad_()
    y = x.sin()
    (rows,) = torch.autograd.grad(y, x, torch.eye(2, dtype=torch.float64), is_grads_batched=True, create_graph=True)
    assert_close(rows, values(X.cos().diag()), rtol=1e-9)
    (again,) = torch.autograd.grad(rows.sum(), x)
    assert_close(again, values(-X.sin()), rtol=1e-9)
    unused = f(1.0).requires_grad_()
    found = torch.autograd.grad(
        x * 2, (x, unused), torch.ones(3, 2, dtype=torch.float64), is_grads_batched=True, allow_unused=True
    )
    assert found[0].tolist() == [[2, 2]] * 3 and found[1] is None


def test_a_linearized_function_maps_tangents():
    value, tangent_of = torch.func.linearize(mixed, X, Y)
    assert_close(value, values(mixed(X, Y)))
    for v in (V, -2 * V):
        assert_close(tangent_of(v, Y), values(F.jvp(mixed, (X, Y), (v, Y))[1]), rtol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_vmap_in_chunks_gives_what_it_gives_at_once(size):
    x, w = torch.arange(15.0).reshape(3, 5), torch.arange(3.0)
    seen = []

    def function(column, w):
        seen.append(1)
        return column * w, {"sum": (column * w).sum()}

    at_once = torch.vmap(function, in_dims=(1, None), out_dims=(1, 0))(x, w)
    seen.clear()
    chunked = torch.vmap(function, in_dims=(1, None), out_dims=(1, 0), chunk_size=size)(x, w)
    assert len(seen) == -(-5 // size)
    assert_close([chunked[0], chunked[1]["sum"]], [values(at_once[0]), values(at_once[1]["sum"])])
    with pytest.raises(ValueError, match="chunk_size should be None or greater than 0"):
        torch.vmap(function, chunk_size=0)


def test_vmap_draws_for_each_example_where_it_is_asked_to():
    def noisy(x, w):
        return x * w + torch.rand(3)

    x, w = torch.arange(4.0), torch.ones(())
    torch.manual_seed(0)
    numbers = torch.rand(4, 3)
    torch.manual_seed(0)
    assert_close(torch.vmap(noisy, (0, None), randomness="different")(x, w), values(x[:, None] + numbers))
    torch.manual_seed(0)
    assert_close(torch.vmap(noisy, (0, None), randomness="same")(x, w), values(x[:, None] + numbers[0]))
    with pytest.raises(RuntimeError, match="Only allowed values for randomness are 'error', 'different', or 'same'"):
        torch.vmap(noisy, randomness="some")
    gradients = torch.vmap(torch.func.grad(lambda x: (x * torch.rand(())).exp()), randomness="different")(x)
    assert len(gradients.unique()) == 4


def test_batch_norms_without_running_statistics_work_under_vmap():
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 2))
    assert torch.func.replace_all_batch_norm_modules_(net) is net and net[0].running_mean is None
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    x = torch.arange(24.0).reshape(3, 4, 2).sin()
    parameters = dict(net.named_parameters())

    def loss(parameters, x):
        return torch.func.functional_call(net, parameters, (x,)).square().sum()

    found = torch.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, x)
    for i, part in enumerate(x):
        wanted = torch.autograd.grad(loss(parameters, part), list(parameters.values()))
        assert_close([g[i] for g in found.values()], [values(g) for g in wanted], rtol=1e-3, atol=1e-5)
    with pytest.raises(RuntimeError, match="received invalid argument for remove=some"):
        torch.func.functionalize(loss, remove="some")(parameters, x)
