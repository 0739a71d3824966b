"""The package functorch: modules as functions of their parameters, one or several at once."""

import pytest

import tapeless as torch
from tapeless import _functorch as functorch
from tapeless import nn


def test_a_module_becomes_a_function_of_its_parameters():
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    function, parameters = functorch.make_functional(module)
    x = torch.ones(4, 2)
    assert torch.equal(function(parameters, x), module(x))
    gradients = functorch.grad(lambda p: function(p, x).sum())(parameters)
    module(x).sum().backward()
    assert all(torch.allclose(g, p.grad) for g, p in zip(gradients, module.parameters(), strict=True))
    assert all(p.requires_grad for p in parameters)
    assert not any(p.requires_grad for p in functorch.make_functional(module, disable_autograd_tracking=True)[1])


def test_buffers_come_beside():
    module = nn.BatchNorm1d(2).eval()
    function, parameters, buffers = functorch.make_functional_with_buffers(module)
    x = torch.tensor([[1.0, 2.0]])
    assert torch.equal(function(parameters, buffers, x), module(x)) and len(buffers) == 3
    with pytest.raises(RuntimeError, match="has buffers"):
        functorch.make_functional(module)


def test_several_modules_run_as_one():
    modules = [nn.Linear(2, 3) for _ in range(4)]
    function, parameters, buffers = functorch.combine_state_for_ensemble(modules)
    x = torch.ones(5, 2)
    found = functorch.vmap(function, in_dims=(0, 0, None))(parameters, buffers, x)
    assert torch.allclose(found, torch.stack([module(x) for module in modules]))
    with pytest.raises(RuntimeError, match="at least one model"):
        functorch.combine_state_for_ensemble([])
