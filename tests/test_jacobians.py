"""func.jacrev, jacfwd, hessian and autograd.forward_ad: all derivatives of all outputs, in every nesting."""

import pytest

import tapeless as torch
from tapeless.autograd import forward_ad
from tapeless.func import grad, hessian, jacfwd, jacrev, vmap

BOTH = pytest.mark.parametrize("jacobian", [jacrev, jacfwd])


def close(a, b):
    return torch.allclose(a, b, atol=1e-6)


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(2, 3)


@BOTH
def test_a_jacobian_has_the_output_s_shape_then_the_inputs(jacobian, x):
    y = torch.tensor([1.0, 2.0, 3.0])
    found = jacobian(lambda x, y: x @ y)(x, y)
    assert found.shape == (2, 2, 3)
    assert close(found, torch.einsum("ij,k->ijk", torch.eye(2), y))
    assert close(jacobian(lambda x, y: x @ y, argnums=1)(x, y), x)


@BOTH
def test_structures_of_outputs_and_arguments_are_kept(jacobian, x):
    def function(tree, scale):
        return {"a": tree["x"].sum(0) * scale, "b": (tree["x"] ** 2,)}

    found = jacobian(function, argnums=(0, 1))({"x": x}, torch.tensor(3.0))
    (of_tree, of_scale) = found["a"]
    assert of_tree["x"].shape == (3, 2, 3) and close(of_scale, x.sum(0))
    assert found["b"][0][0]["x"].shape == (2, 3, 2, 3) and found["b"][0][1].abs().sum() == 0
    assert jacobian(function)({"x": x}, torch.tensor(3.0))["a"]["x"].shape == (3, 2, 3)


@BOTH
def test_aux_comes_beside(jacobian, x):
    found, aux = jacobian(lambda x: (x.sum(1), x + 1), has_aux=True)(x)
    assert found.shape == (2, 2, 3) and torch.equal(aux, x + 1) and not aux.requires_grad


@pytest.mark.parametrize("size", [1, 2, 4, 9])
def test_chunks_change_nothing(size, x):
    def function(x):
        return (x @ x.T).tanh()

    assert close(jacrev(function, chunk_size=size)(x), jacfwd(function)(x))
    with pytest.raises(ValueError, match="greater than 0"):
        jacrev(function, chunk_size=0)


@pytest.mark.parametrize("outer", [jacrev, jacfwd])
@pytest.mark.parametrize("inner", [jacrev, jacfwd, grad])
def test_second_derivatives_in_every_nesting(outer, inner, x):
    def function(x):
        return (x**3).sum() + x.prod()

    expected = torch.tensor(
        [
            [6 * x.flatten()[i] if i == j else x.prod() / x.flatten()[i] / x.flatten()[j] for j in range(6)]
            for i in range(6)
        ]
    )
    assert torch.allclose(outer(inner(function))(x).reshape(6, 6), expected, rtol=1e-4, atol=1e-5)
    assert torch.allclose(hessian(function)(x).reshape(6, 6), expected, rtol=1e-4, atol=1e-5)


@BOTH
def test_a_jacobian_of_each_example(jacobian, x):
    found = vmap(jacobian(lambda v: v.sin() * v.sum()))(x)
    assert close(found, torch.stack([jacobian(lambda v: v.sin() * v.sum())(row) for row in x]))


def test_gradients_flow_through_a_jacobian(x):
    x.requires_grad_()
    jacrev(lambda x: x**3)(x).sum().backward()
    assert close(x.grad, 6 * x.detach())


@BOTH
def test_an_argument_that_is_not_there_is_refused(jacobian, x):
    with pytest.raises(RuntimeError, match="Got argnum=2, but only 1 positional inputs"):
        jacobian(torch.sin, argnums=2)(x)


def test_a_dual_tensor_carries_its_tangent():
    with forward_ad.dual_level():
        x = forward_ad.make_dual(torch.tensor([2.0, 3.0]), torch.tensor([1.0, 0.0]))
        primal, tangent = forward_ad.unpack_dual(x * x + 1)
        assert primal.tolist() == [5.0, 10.0] and tangent.tolist() == [4.0, 0.0]
        assert forward_ad.unpack_dual(torch.ones(1)).tangent is None
        with forward_ad.dual_level():
            y = forward_ad.make_dual(x, torch.ones(2))
            inner = forward_ad.unpack_dual(y * y).tangent
        assert forward_ad.unpack_dual(inner).tangent.tolist() == [2.0, 0.0]
    assert forward_ad.unpack_dual(torch.ones(1)).tangent is None
    with pytest.raises(RuntimeError, match="no level exists"):
        forward_ad.make_dual(torch.ones(1), torch.ones(1))
    with pytest.raises(RuntimeError, match="Trying to exit a forward AD level"):
        forward_ad.exit_dual_level()


def test_a_tangent_needs_floating_point_numbers():
    with forward_ad.dual_level(), pytest.raises(ValueError, match="Expected primal to be floating point"):
        forward_ad.make_dual(torch.tensor([1]), torch.ones(1))
