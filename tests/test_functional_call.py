"""Modules called with tensors that are not their own, stacked, as vectors, and under DataParallel."""

import pytest

import tapeless as torch
from tapeless import nn
from tapeless.func import functional_call, grad, stack_module_state, vmap
from tapeless.nn import utils


class Tied(nn.Module):
    """The same weight twice, and a buffer that forward replaces."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2, bias=False)
        self.again = self.layer.weight
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x, k=1.0):
        self.count = self.count + 1
        return self.layer(x) * k + self.again.sum()


def test_the_given_tensors_take_part_and_the_module_stays_as_it_was():
    layer = nn.Linear(2, 1)
    before = layer.weight
    state = {"weight": torch.ones(1, 2, requires_grad=True), "bias": torch.zeros(1)}
    out = functional_call(layer, state, torch.full((1, 2), 3.0))
    assert out.item() == 6 and layer.weight is before
    out.backward()
    assert state["weight"].grad.tolist() == [[3, 3]] and before.grad is None


def test_tied_tensors_are_replaced_together_unless_told_otherwise():
    module, x = Tied(), torch.zeros(1, 2)
    ones = torch.ones(2, 2)
    assert functional_call(module, {"again": ones}, x).tolist() == [[4, 4]]
    alone = functional_call(module, {"layer.weight": ones}, torch.ones(1, 2), tie_weights=False)
    torch.testing.assert_close(alone, 2 + module.again.sum().expand(1, 2))
    functional_call(module, {"count": torch.zeros(())}, x)
    assert module.count == 2, "what is replaced does not count for the module"


def test_keyword_arguments_and_several_dictionaries():
    module = Tied()
    out = functional_call(module, [{"again": torch.ones(2, 2)}, {"count": torch.ones(())}], torch.ones(1, 2), {"k": 3})
    assert out.tolist() == [[10, 10]]
    with pytest.raises(ValueError, match="appeared in multiple dictionaries"):
        functional_call(module, [{"again": 1}, {"again": 2}], ())
    with pytest.raises(ValueError, match="Expected parameter_and_buffer_dicts to be a dict"):
        functional_call(module, 3, ())


def test_strictness_wants_all_keys_and_no_others():
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\): 'foo'.\n\tMissing key\(s\): 'bias'."):
        functional_call(nn.Linear(1, 1), {"weight": torch.ones(1, 1), "foo": torch.ones(1)}, (), strict=True)
    with pytest.raises(TypeError, match="3 is not an instance of torch.Tensor"):
        functional_call(nn.Linear(1, 1), {"weight": 3}, ())


def test_the_module_is_restored_when_forward_raises():
    layer = nn.Linear(2, 1)
    before = layer.weight
    with pytest.raises(RuntimeError):
        functional_call(layer, {"weight": torch.ones(1, 7)}, torch.ones(1, 2))
    assert layer.weight is before


def test_an_ensemble_is_one_call_under_vmap():
    models = [nn.Linear(3, 1) for _ in range(4)]
    parameters, buffers = stack_module_state(models)
    assert parameters["weight"].shape == (4, 1, 3) and parameters["weight"].is_leaf and buffers == {}
    x = torch.randn(5, 3)
    together = vmap(lambda p: functional_call(models[0], p, x))(parameters)
    torch.testing.assert_close(together, torch.stack([model(x) for model in models]))
    with pytest.raises(RuntimeError, match="Expected at least one model, got 0."):
        stack_module_state([])


def test_gradients_for_each_example():
    layer = nn.Linear(3, 1)
    parameters = {name: p.detach() for name, p in layer.named_parameters()}
    x = torch.randn(4, 3)
    each = vmap(grad(lambda p, row: functional_call(layer, p, row).sum()), in_dims=(None, 0))(parameters, x)
    torch.testing.assert_close(each["weight"].squeeze(1), x)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_gradients_for_each_example_stay_beside_the_parameters(reduction):
    from tapeless.nn.utils._per_sample_grad import call_for_per_sample_grads

    layer, x = nn.Linear(3, 2), torch.randn(4, 3)
    outputs = call_for_per_sample_grads(layer, loss_reduction=reduction)(x)
    torch.testing.assert_close(outputs, layer(x))
    getattr(outputs.sum(1), reduction)().backward()
    torch.testing.assert_close(layer.weight.grad_sample, x.unsqueeze(1).expand(4, 2, 3))
    assert layer.weight.grad is None


def test_the_old_functional_call_warns():
    with pytest.warns(FutureWarning, match="Please use `torch.func.functional_call` instead"):
        utils.stateless.functional_call(nn.Linear(1, 1), {}, torch.ones(1, 1))


def test_parameters_as_a_vector_and_back():
    layer = nn.Linear(2, 1)
    vector = utils.parameters_to_vector(layer.parameters())
    assert torch.equal(vector, torch.cat([layer.weight.view(-1), layer.bias]))
    utils.vector_to_parameters(torch.arange(3.0), layer.parameters())
    assert layer.weight.tolist() == [[0, 1]] and layer.bias.tolist() == [2]


def test_data_parallel_calls_its_module_and_prefixes_its_keys():
    wrapped = nn.DataParallel(nn.Linear(2, 1))
    x = torch.ones(1, 2)
    assert torch.equal(wrapped(x), wrapped.module(x)) and wrapped.device_ids == []
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"]
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        nn.parallel.DistributedDataParallel(nn.Linear(1, 1))


def test_batch_normalisation_folds_into_the_layer_before_it():
    conv, norm = nn.Conv2d(2, 3, 3).eval(), nn.BatchNorm2d(3).eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 2, 5, 5)
    torch.testing.assert_close(utils.fuse_conv_bn_eval(conv, norm)(x), norm(conv(x)), atol=1e-5, rtol=1e-4)
    linear, norm = nn.Linear(3, 2).eval(), nn.BatchNorm1d(2).eval()
    norm.running_mean.normal_()
    x = torch.randn(4, 3)
    torch.testing.assert_close(utils.fuse_linear_bn_eval(linear, norm)(x), norm(linear(x)), atol=1e-5, rtol=1e-4)
    with pytest.raises(AssertionError, match="Fusion only for eval!"):
        utils.fuse_linear_bn_eval(linear.train(), norm)
