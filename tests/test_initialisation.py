"""nn.init writes PyTorch's numbers for the same seed, in place, outside the graph."""

import math

import pytest

import tapeless as torch
from tapeless import nn
from tapeless.nn import init

# What PyTorch 2.13 writes into a 2 x 3 tensor after manual_seed(7).
KNOWN = {
    "uniform_": ({"a": -1, "b": 2}, [0.604768, -0.40359, 0.977635, 0.970671, -0.301715, 0.275184]),
    "normal_": ({"mean": 1, "std": 2}, [0.70641, 2.572283, 2.893643, -1.228688, 4.38158, -0.789656]),
    "trunc_normal_": ({"a": -1, "b": 1}, [-0.146795, 0.786141, 0.946822, -0.917931, 0.317678, -0.894828]),
    "xavier_uniform_": ({}, [0.076511, -0.659889, 0.348815, 0.343729, -0.58549, -0.164182]),
    "xavier_normal_": ({"gain": 2}, [-0.185683, 0.994399, 1.197645, -1.409546, 2.138699, -1.131878]),
    "kaiming_uniform_": ({"a": 1}, [0.069845, -0.602394, 0.318423, 0.313781, -0.534477, -0.149877]),
    "kaiming_normal_": (
        {"mode": "fan_out", "nonlinearity": "relu"},
        [-0.146795, 0.786141, 0.946822, -1.114344, 1.69079, -0.894828],
    ),
    "orthogonal_": ({}, [-0.118443, 0.634307, 0.763954, -0.489211, 0.632237, -0.60079]),
    "sparse_": ({"sparsity": 0.4}, [0.0, 0.007861, 0.0, -0.011143, 0.0, -0.008948]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_same_seed_gives_pytorchs_numbers(name):
    arguments, expected = KNOWN[name]
    torch.manual_seed(7)
    tensor = torch.empty(2, 3)
    assert getattr(init, name)(tensor, **arguments) is tensor
    torch.testing.assert_close(tensor.flatten(), torch.tensor(expected), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "sparse_"])
def test_a_generator_gives_what_the_seed_gives_and_leaves_the_default_alone(name):
    before = torch.get_rng_state()
    tensor = getattr(init, name)(torch.empty(2, 3), **KNOWN[name][0], generator=torch.Generator().manual_seed(7))
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(tensor.flatten(), torch.tensor(KNOWN[name][1]), atol=2e-6, rtol=1e-5)


def test_layers_begin_with_pytorchs_weights():
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    weight = [[-0.004323, 0.309716, -0.475185], [-0.424895, -0.222369, 0.154821]]
    torch.testing.assert_close(layer.weight.detach(), torch.tensor(weight), atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(layer.bias.detach(), torch.tensor([-0.011439, 0.457775]), atol=2e-6, rtol=1e-5)


def test_parameters_stay_leaves():
    parameter = nn.Parameter(torch.empty(3, 3))
    for name, (arguments, _) in KNOWN.items():
        getattr(init, name)(parameter, **arguments)
        assert parameter.is_leaf and parameter.requires_grad
    assert torch.equal(init.eye_(parameter), torch.eye(3))


def test_fixed_values():
    assert init.constant_(torch.empty(2), 3).tolist() == [3, 3]
    assert init.ones_(torch.empty(2)).tolist() == [1, 1] and init.zeros_(torch.empty(2)).tolist() == [0, 0]
    x = torch.randn(1, 2, 7)
    kernel = init.dirac_(torch.empty(2, 2, 3))
    assert torch.equal(nn.functional.conv1d(x, kernel, padding=1), x)
    with pytest.raises(ValueError, match="dim 0 must be divisible by groups"):
        init.dirac_(torch.empty(3, 1, 3), groups=2)


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (3, 2, 2)])
def test_orthogonal_rows_or_columns(shape):
    matrix = init.orthogonal_(torch.empty(shape, dtype=torch.float64), gain=2).flatten(1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    torch.testing.assert_close(product, 4 * torch.eye(product.shape[0], dtype=torch.float64))


def test_truncation_far_from_the_mean_stays_inside():
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        drawn = init.trunc_normal_(torch.empty(1000), mean=5.0)
    assert drawn.min() >= -2 and drawn.max() <= 2


def test_gains_and_fans():
    assert init.calculate_gain("relu") == math.sqrt(2) and init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("leaky_relu", 2) == math.sqrt(2 / 5) and init.calculate_gain("conv_transpose2d") == 1
    assert init._calculate_fan_in_and_fan_out(torch.empty(3, 4, 5, 6)) == (120, 90)
    with pytest.raises(ValueError, match="Unsupported nonlinearity foo"):
        init.calculate_gain("foo")
    with pytest.raises(ValueError, match="negative_slope True not a valid number"):
        init.calculate_gain("leaky_relu", True)
    with pytest.raises(ValueError, match="can not be computed for tensor with fewer than 2 dimensions"):
        init.xavier_uniform_(torch.empty(3))
    with pytest.raises(ValueError, match="Mode x not supported"):
        init.kaiming_normal_(torch.empty(3, 3), mode="x")


def test_empty_tensors_are_left_with_a_warning():
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        init.kaiming_uniform_(torch.empty(0, 3))


def test_the_former_names_warn():
    with pytest.warns(FutureWarning, match="`nn.init.constant` is now deprecated in favor of `nn.init.constant_`"):
        assert init.constant(torch.empty(1), 2).item() == 2


def test_skip_init_draws_nothing():
    before = torch.get_rng_state()
    layer = nn.utils.skip_init(nn.Linear, 3, 2, bias=False)
    assert layer.weight.shape == (2, 3) and torch.equal(torch.get_rng_state(), before)
    with pytest.raises(RuntimeError, match="must support a 'device' arg"):
        nn.utils.skip_init(nn.ReLU)
