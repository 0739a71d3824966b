"""Modules own parameters, buffers and modules as PyTorch's do: by assignment, by name, in order, and in conversions."""

import copy
import pickle
import re

import pytest

import tapeless as torch
from tapeless import nn


class Small(nn.Module):
    """Two layers, a buffer of each kind, and a plain attribute."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.second = nn.Sequential(nn.Linear(3, 1), nn.ReLU())
        self.register_buffer("steps", torch.zeros(1))
        self.scratch = nn.Buffer(torch.ones(2), persistent=False)
        self.plain = 5

    def forward(self, x):
        return self.second(self.first(x))


def test_assignment_sorts_attributes_by_what_they_are():
    small = Small()
    assert list(small._modules) == ["first", "second"]
    assert list(small._buffers) == ["steps", "scratch"]
    assert small._non_persistent_buffers_set == {"scratch"}
    assert small.__dict__["plain"] == 5 and "first" not in small.__dict__


def test_names_come_in_order_of_assignment_with_dots():
    small = Small()
    names = ["first.weight", "first.bias", "second.0.weight", "second.0.bias"]
    assert [name for name, _ in small.named_parameters()] == names
    assert [name for name, _ in small.named_modules()] == ["", "first", "second", "second.0", "second.1"]
    assert [name for name, _ in small.named_children()] == ["first", "second"]
    assert [name for name, _ in small.named_parameters(prefix="p", recurse=False)] == []
    assert [name for name, _ in small.named_buffers(prefix="p")] == ["p.steps", "p.scratch"]


def test_a_shared_parameter_is_listed_once_unless_all_are_wanted():
    layer = nn.Linear(2, 2)
    both = nn.ModuleList([layer, layer])
    both.tied = layer.weight
    assert len(list(both.parameters())) == 2
    everywhere = [name for name, _ in both.named_parameters(remove_duplicate=False)]
    assert everywhere == ["tied", "0.weight", "0.bias", "1.weight", "1.bias"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weight", torch.ones(1), "cannot assign 'torch.FloatTensor' as parameter 'weight' (torch.nn.Parameter"),
        ("weight", 3, "cannot assign 'int' as parameter 'weight'"),
        ("child", 3, "cannot assign 'int' as child module 'child' (torch.nn.Module or None expected)"),
        ("buffer", 3, "cannot assign 'int' as buffer 'buffer' (torch.nn.Buffer, torch.Tensor or None expected)"),
    ],
)
def test_a_registered_name_takes_only_its_own_kind(name, value, message):
    module = nn.Linear(2, 2)
    module.child = nn.ReLU()
    module.register_buffer("buffer", torch.ones(1))
    with pytest.raises(TypeError, match=re.escape(message)):
        setattr(module, name, value)


def test_none_keeps_a_name_and_its_kind():
    module = nn.Linear(2, 2)
    module.bias = None
    assert "bias" in module._parameters and module.bias is None
    module.bias = nn.Parameter(torch.ones(2))
    assert [name for name, _ in module.named_parameters()] == ["weight", "bias"]


def test_a_parameter_takes_the_name_of_a_plain_attribute():
    module = nn.Module()
    module.x = 1
    module.x = nn.Parameter(torch.ones(1))
    assert "x" not in module.__dict__ and "x" in module._parameters


@pytest.mark.parametrize("value", [nn.Parameter(torch.ones(1)), nn.ReLU(), nn.Buffer(torch.ones(1))])
def test_nothing_is_registered_before_init(value):
    class Early(nn.Module):
        def __init__(self):
            self.x = value

    with pytest.raises(AttributeError, match=r"cannot assign .* before Module.__init__\(\) call"):
        Early()


@pytest.mark.parametrize(
    ("method", "name", "value", "error", "message"),
    [
        ("register_parameter", 1, None, TypeError, "parameter name should be a string. Got int"),
        ("register_parameter", "a.b", None, KeyError, 'parameter name can\'t contain "."'),
        ("register_parameter", "", None, KeyError, 'parameter name can\'t be empty string ""'),
        ("register_parameter", "forward", None, KeyError, "attribute 'forward' already exists"),
        ("register_parameter", "p", torch.ones(1), TypeError, "(torch.nn.Parameter or None required)"),
        ("register_buffer", "b", 3, TypeError, "cannot assign 'int' object to buffer 'b'"),
        ("add_module", "m", 3, TypeError, "int is not a Module subclass"),
        ("add_module", "m.n", None, KeyError, 'module name can\'t contain ".", got: m.n'),
    ],
)
def test_registration_refuses_what_cannot_be_a_name(method, name, value, error, message):
    with pytest.raises(error, match=re.escape(message).replace("'", r"\\?'")):
        getattr(nn.Module(), method)(name, value)


def test_a_result_of_computation_is_no_parameter():
    with pytest.raises(TypeError, match="Parameter or None required"):
        nn.Module().register_parameter("p", nn.Parameter(torch.ones(1)) * 2)


def test_dotted_names_reach_modules_parameters_and_buffers():
    small = Small()
    assert small.get_submodule("second.0") is small.second[0]
    assert small.get_submodule("") is small
    assert small.get_parameter("second.0.weight") is small.second[0].weight
    assert small.get_buffer("steps") is small.steps
    small.set_submodule("second.1", nn.Tanh())
    assert isinstance(small.second[1], nn.Tanh)


@pytest.mark.parametrize(
    ("method", "name", "message"),
    [
        ("get_submodule", "second.7", "Sequential has no attribute `7`"),
        ("get_submodule", "plain", "`plain` is not an nn.Module"),
        ("get_parameter", "steps", "`steps` is not an nn.Parameter"),
        ("get_buffer", "plain", "`plain` is not a buffer"),
    ],
)
def test_a_dotted_name_that_leads_nowhere_says_where(method, name, message):
    with pytest.raises(AttributeError, match=message):
        getattr(Small(), method)(name)


def test_conversion_keeps_the_parameters_objects_and_leaves_integers_alone():
    module = nn.Linear(2, 2)
    module.register_buffer("count", torch.zeros(1, dtype=torch.int64))
    weight = module.weight
    assert module.double() is module
    assert module.weight is weight and weight.dtype == torch.float64
    assert module.count.dtype == torch.int64
    module.to(torch.float16)
    assert weight.dtype == torch.float16
    module.to("cpu", torch.float32)
    module(torch.ones(1, 2)).sum().backward()
    module.to(torch.ones(1, dtype=torch.float64))
    assert weight.grad.dtype == torch.float64


def test_conversion_makes_new_parameters_where_that_is_asked_for():
    from tapeless import __future__ as flags

    module = nn.Linear(2, 2)
    weight = module.weight
    flags.set_overwrite_module_params_on_conversion(True)
    try:
        module.double()
    finally:
        flags.set_overwrite_module_params_on_conversion(False)
    assert module.weight is not weight and weight.dtype == torch.float32 and module.weight.dtype == torch.float64


def test_only_floating_dtypes_convert_a_module():
    with pytest.raises(TypeError, match="nn.Module.to only accepts floating point or complex dtypes"):
        nn.Linear(1, 1).to(torch.int32)


def test_a_module_without_memory_gets_some_by_to_empty_only():
    module = nn.Linear(2, 2, device="meta")
    assert module.weight.is_meta
    with pytest.raises(NotImplementedError, match=r"to_empty\(\) instead of torch.nn.Module.to\(\)"):
        module.to("cpu")
    module.to_empty(device="cpu")
    assert module.weight.device.type == "cpu" and isinstance(module.weight, nn.Parameter)


def test_modes_and_flags_go_down_the_tree():
    small = Small().eval()
    assert not any(module.training for module in small.modules())
    assert all(module.training for module in small.train().modules())
    assert not any(p.requires_grad for p in small.requires_grad_(False).parameters())
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        small.train(1)


def test_zero_grad_drops_or_clears():
    module = nn.Linear(2, 1)
    module(torch.ones(1, 2)).sum().backward()
    gradient = module.weight.grad
    module.zero_grad(set_to_none=False)
    assert module.weight.grad is gradient and not gradient.any()
    module.zero_grad()
    assert module.weight.grad is None


def test_apply_visits_children_first():
    seen = []
    Small().apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "Linear", "ReLU", "Sequential", "Small"]


def test_repr_indents_children():
    assert repr(Small()) == (
        "Small(\n  (first): Linear(in_features=2, out_features=3, bias=True)\n  (second): Sequential(\n"
        "    (0): Linear(in_features=3, out_features=1, bias=True)\n    (1): ReLU()\n  )\n)"
    )
    assert repr(nn.Module()) == "Module()"


def test_equal_neighbours_of_a_list_are_shown_once():
    layers = nn.ModuleList([nn.Linear(1, 1), nn.ReLU(), nn.ReLU(), nn.ReLU()])
    assert repr(layers) == (
        "ModuleList(\n  (0): Linear(in_features=1, out_features=1, bias=True)\n  (1-3): 3 x ReLU()\n)"
    )


def test_an_unknown_attribute_and_a_missing_forward_are_errors():
    with pytest.raises(AttributeError, match="'Module' object has no attribute 'nope'"):
        _ = nn.Module().nope
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()()
    with pytest.raises(TypeError, match=r"Module.__init__\(\) takes 1 positional argument but 2 were given"):
        nn.Module(1)


def test_copies_and_pickles_are_independent():
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(other) == repr(module)
        assert torch.equal(other[0].weight, module[0].weight)
        assert other[0].weight.data_ptr() != module[0].weight.data_ptr()
        assert isinstance(other[0].weight, nn.Parameter) and other[0].weight.requires_grad


# Parameters


def test_a_parameter_shares_memory_and_shows_what_it_is():
    data = torch.ones(2)
    parameter = nn.Parameter(data)
    data[0] = 5
    assert parameter.tolist() == [5, 1] and parameter.is_leaf and parameter.requires_grad
    assert repr(parameter) == "Parameter containing:\ntensor([5., 1.], requires_grad=True)"
    assert type(parameter + 1) is torch.Tensor and type(parameter.data) is torch.Tensor


def test_a_tensor_of_another_class_stays_one_as_a_parameter():
    class Own(torch.Tensor):
        pass

    parameter = nn.Parameter(torch.ones(2).as_subclass(Own))
    assert type(parameter) is Own and isinstance(parameter, nn.Parameter)
    assert not isinstance(torch.ones(2).as_subclass(Own), nn.Parameter)
    module = nn.Module()
    module.p = parameter
    assert list(module.parameters()) == [parameter]


def test_a_parameter_keeps_its_attributes_in_a_pickle():
    parameter = nn.Parameter(torch.ones(2), requires_grad=False)
    parameter.note = "kept"
    loaded = pickle.loads(pickle.dumps(parameter))
    assert type(loaded) is nn.Parameter and loaded.note == "kept" and not loaded.requires_grad


def test_a_lazy_layer_takes_its_shape_from_the_first_input():
    lazy = nn.LazyLinear(3)
    assert nn.parameter.is_lazy(lazy.weight) and repr(lazy.weight) == "<UninitializedParameter>"
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter or buffer"):
        _ = lazy.weight.shape
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        _ = lazy.weight + 1
    weight = lazy.weight
    assert lazy(torch.ones(2, 5)).shape == (2, 3)
    assert type(lazy) is nn.Linear and lazy.weight is weight and weight.shape == (3, 5)
    assert not lazy._forward_pre_hooks


def test_a_lazy_layer_takes_its_shape_from_a_state_too():
    lazy = nn.LazyLinear(3)
    lazy.load_state_dict(nn.Linear(4, 3).state_dict())
    assert lazy.weight.shape == (3, 4)


def test_bilinear_is_the_sum_of_products():
    layer = nn.Bilinear(2, 3, 4).double()
    x, y = torch.randn(5, 2, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    expected = torch.einsum("bi,kij,bj->bk", x, layer.weight, y) + layer.bias
    torch.testing.assert_close(layer(x, y), expected)
