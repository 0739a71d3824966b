"""Parametrized tensors are computed from what is stored, differentiable, assignable and removable."""

import copy
import pickle

import pytest

import tapeless as torch
from tapeless import nn
from tapeless.nn import utils
from tapeless.nn.utils import parametrizations, parametrize


class Symmetric(nn.Module):
    """The upper triangle mirrored."""

    def forward(self, X):
        return X.triu() + X.triu(1).transpose(-1, -2)

    def right_inverse(self, A):
        return A.triu()


class Exponential(nn.Module):
    """Element by element, without an inverse."""

    def forward(self, X):
        return X.exp()


class Halves(nn.Module):
    """A tensor stored as two."""

    def forward(self, a, b):
        return a + b

    def right_inverse(self, A):
        return A / 2, A / 2


def symmetric(sides=3):
    return parametrize.register_parametrization(nn.Linear(sides, sides), "weight", Symmetric())


def test_a_parametrized_tensor_is_a_property_over_the_stored_one():
    layer = symmetric()
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert [name for name, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    assert torch.equal(layer.weight, layer.weight.T)
    layer(torch.randn(2, 3)).sum().backward()
    assert layer.parametrizations.weight.original.grad.shape == (3, 3)
    assert parametrize.is_parametrized(layer, "weight") and not parametrize.is_parametrized(layer, "bias")


def test_assignment_goes_through_the_right_inverse():
    layer = symmetric(2)
    layer.weight = torch.tensor([[1.0, 2.0], [2.0, 3.0]])
    assert layer.parametrizations.weight.original.tolist() == [[1, 2], [0, 3]]
    parametrize.register_parametrization(layer, "weight", Exponential())
    torch.testing.assert_close(layer.weight, torch.tensor([[1.0, 2.0], [2.0, 3.0]]).exp())
    with pytest.raises(RuntimeError, match="parametrization Exponential does not implement right_inverse"):
        layer.weight = torch.eye(2)


def test_removal_keeps_the_value_or_what_was_stored():
    layer = symmetric()
    weight = layer.weight.detach().clone()
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and torch.equal(layer.weight, weight)
    assert isinstance(layer.weight, nn.Parameter) and not hasattr(layer, "parametrizations")
    layer = symmetric()
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert torch.equal(layer.weight, layer.weight.triu())


def test_a_tensor_may_be_stored_as_several():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Halves())
    stored = layer.parametrizations.weight
    layer.weight = torch.ones(2, 2)
    assert stored.ntensors == 2 and stored.original1.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    with pytest.raises(ValueError, match="Cannot leave unparametrized"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert torch.equal(layer.weight, torch.ones(2, 2))


def test_within_cached_a_tensor_is_computed_once():
    layer = symmetric()
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight


def test_copies_work_and_pickles_are_refused():
    layer = symmetric()
    other = copy.deepcopy(layer)
    assert torch.equal(other.weight, layer.weight) and other.weight is not layer.weight
    target = symmetric()
    target.load_state_dict(layer.state_dict())
    assert torch.equal(target.weight, layer.weight)
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:1], "may not change the shape of the tensor"),
        (lambda X: X.double(), "may not change the dtype of the tensor"),
        (lambda X: 3, "A parametrization must return a tensor. Got int."),
    ],
)
def test_shape_and_dtype_stay_unless_declared_unsafe(change, message):
    class Changing(nn.Module):
        def forward(self, X):
            return change(X)

    for layer in (nn.Linear(3, 3), symmetric()):
        with pytest.raises(ValueError, match=message):
            parametrize.register_parametrization(layer, "weight", Changing())
    with pytest.raises(ValueError, match="does not have a parameter, a buffer, or a parametrized element"):
        parametrize.register_parametrization(nn.Linear(3, 3), "nope", Symmetric())


def test_parametrizations_can_be_transferred():
    source, target = symmetric(), nn.Linear(3, 3)
    parametrize.transfer_parametrizations_and_params(source, target)
    assert torch.equal(target.weight, source.weight) and parametrize.is_parametrized(target, "weight")


# Orthogonal. The numbers are PyTorch's for seed 0.
ORTHOGONAL = {
    "matrix_exp": [0.843719, 0.327914, -0.424984, -0.25644, 0.94176, 0.217544],
    "cayley": [0.851934, 0.318936, -0.415317, -0.25122, 0.944822, 0.210237],
    "householder": [-0.00762, 0.54602, -0.837738, -0.972708, -0.198337, -0.120424],
}


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_each_map_gives_pytorchs_matrix(name):
    torch.manual_seed(0)
    layer = parametrizations.orthogonal(nn.Linear(3, 2), orthogonal_map=name, use_trivialization=False)
    torch.testing.assert_close(layer.weight.flatten(), torch.tensor(ORTHOGONAL[name]), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("sides", [(3, 3), (2, 4), (4, 2)])
@pytest.mark.parametrize("name", ORTHOGONAL)
def test_steps_along_the_gradient_stay_orthogonal(name, sides):
    layer = parametrizations.orthogonal(nn.Linear(*sides).double(), orthogonal_map=name)
    before = layer.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer.weight.pow(3).sum().backward()
        optimizer.step()
    weight = layer.weight.detach()
    product = weight @ weight.T if sides[0] >= sides[1] else weight.T @ weight
    torch.testing.assert_close(product, torch.eye(min(sides), dtype=torch.float64))
    assert not torch.allclose(weight, before)


def test_an_orthogonal_matrix_can_be_assigned():
    layer = parametrizations.orthogonal(nn.Linear(3, 3))
    layer.weight = torch.eye(3)
    torch.testing.assert_close(layer.weight, torch.eye(3))
    with pytest.raises(ValueError, match='orthogonal_map has to be one of "matrix_exp", "cayley", "householder"'):
        parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="x")
    fixed = parametrizations.orthogonal(nn.Linear(3, 3), use_trivialization=False)
    with pytest.raises(NotImplementedError, match="when use_trivialization=False"):
        fixed.weight = torch.eye(3)


# Weight and spectral normalisation, old and new.


def test_weight_norm_separates_magnitude_and_direction():
    layer = nn.Linear(3, 2)
    weight = layer.weight.detach().clone()
    layer = parametrizations.weight_norm(layer)
    torch.testing.assert_close(layer.weight, weight)
    magnitude = layer.parametrizations.weight.original0
    assert magnitude.shape == (2, 1)
    torch.testing.assert_close(magnitude.flatten(), weight.norm(dim=1))
    layer.load_state_dict({"weight_g": torch.ones(2, 1), "weight_v": weight, "bias": torch.zeros(2)})
    torch.testing.assert_close(layer.weight.norm(dim=1), torch.ones(2))


def test_the_old_weight_norm_is_a_hook_that_can_be_removed():
    with pytest.warns(FutureWarning, match="`torch.nn.utils.weight_norm` is deprecated"):
        layer = utils.weight_norm(nn.Linear(3, 2))
    assert list(layer.state_dict()) == ["bias", "weight_g", "weight_v"]
    with torch.no_grad():
        layer.weight_g.fill_(2)
    layer(torch.ones(1, 3)).sum().backward()
    torch.testing.assert_close(layer.weight.norm(dim=1), torch.full((2,), 2.0))
    assert layer.weight_v.grad is not None and layer.weight_g.grad.shape == (2, 1)
    utils.remove_weight_norm(layer)
    assert list(layer.state_dict()) == ["bias", "weight"]
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found"):
        utils.remove_weight_norm(layer)


def test_spectral_norm_gives_pytorchs_numbers_and_norm_one():
    torch.manual_seed(0)
    layer = parametrizations.spectral_norm(nn.Linear(3, 2))
    expected = [-0.006573, 0.470957, -0.722571, -0.646098, -0.338136, 0.235422]
    torch.testing.assert_close(layer.weight.flatten(), torch.tensor(expected), atol=2e-6, rtol=1e-5)
    layer.eval()
    assert abs(torch.linalg.matrix_norm(layer.weight, 2).item() - 1) < 1e-4
    assert torch.equal(layer.weight, layer.weight)


def test_the_old_spectral_norm_steps_in_training_only():
    torch.manual_seed(0)
    layer = utils.spectral_norm(nn.Linear(3, 2))
    layer(torch.ones(1, 3)).sum().backward()
    expected = [-0.01142, 0.818259, -1.255423, -1.122557, -0.587491, 0.409031]
    torch.testing.assert_close(layer.weight.flatten(), torch.tensor(expected), atol=2e-6, rtol=1e-5)
    assert list(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert layer.state_dict()._metadata[""]["spectral_norm"] == {"weight.version": 1}
    layer.eval()
    u = layer.weight_u.clone()
    layer(torch.ones(1, 3))
    assert torch.equal(layer.weight_u, u)
    other = utils.spectral_norm(nn.Linear(3, 2))
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.eval()(torch.ones(1, 3)), layer(torch.ones(1, 3)))
    utils.remove_spectral_norm(layer)
    assert list(layer.state_dict()) == ["bias", "weight"] and not layer._state_dict_hooks
