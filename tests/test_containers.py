"""Sequential, ModuleList, ModuleDict and the containers of parameters behave as lists and dictionaries."""

from collections import OrderedDict

import pytest

import tapeless as torch
from tapeless import nn


def names(module):
    return list(module._modules)


def kinds(module):
    return [type(child).__name__ for child in module.children()]


def test_sequential_calls_one_after_another():
    layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = torch.randn(4, 2)
    assert torch.equal(layers(x), layers[2](layers[1](layers[0](x))))
    named = nn.Sequential(OrderedDict(a=nn.Linear(1, 1), b=nn.ReLU()))
    assert names(named) == ["a", "b"] and named.a is named[0]


def test_slices_of_a_sequential_keep_names_and_layers():
    layers = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    assert kinds(layers[1:]) == ["Tanh", "Sigmoid"] and names(layers[1:]) == ["1", "2"]
    assert layers[-1] is layers[2] and len(layers) == 3
    with pytest.raises(IndexError, match="index 5 is out of range"):
        layers[5]


def test_sequential_grows_shrinks_and_repeats():
    layers = nn.Sequential(nn.ReLU()).append(nn.Tanh()).extend([nn.Sigmoid()])
    layers.insert(1, nn.GELU())
    assert kinds(layers) == ["ReLU", "GELU", "Tanh", "Sigmoid"] and names(layers) == ["0", "1", "2", "3"]
    assert kinds(layers.pop(1) and layers) == ["ReLU", "Tanh", "Sigmoid"]
    del layers[0]
    assert names(layers) == ["0", "1"]
    layers[0] = nn.ELU()
    assert kinds(layers) == ["ELU", "Sigmoid"]
    assert len(list(layers + layers)) == 4 and len(2 * nn.Sequential(nn.ReLU())) == 2
    layers *= 3
    assert len(layers) == 6
    with pytest.raises(ValueError, match="add operator supports only objects of Sequential class"):
        _ = layers + 3
    with pytest.raises(ValueError, match="Non-positive multiplication factor 0"):
        _ = layers * 0


def test_a_module_list_is_a_list():
    layers = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    layers.append(nn.ELU())
    layers.insert(0, nn.GELU())
    layers += [nn.Sigmoid()]
    assert kinds(layers) == ["GELU", "ReLU", "Tanh", "ELU", "Sigmoid"]
    del layers[1:3]
    assert names(layers) == ["0", "1", "2"] and kinds(layers[:2]) == ["GELU", "ELU"]
    assert len(layers + [nn.ReLU()]) == 4 and isinstance(layers.pop(-1), nn.Sigmoid)
    with pytest.raises(TypeError, match="ModuleList.extend should be called with an iterable, but got int"):
        layers.extend(3)
    with pytest.raises(NotImplementedError):
        layers(1)


def test_a_module_dict_is_a_dictionary():
    layers = nn.ModuleDict({"a": nn.ReLU()})
    layers.update([("b", nn.Tanh())])
    layers["c"] = nn.ELU()
    assert list(layers) == ["a", "b", "c"] and "b" in layers and len(layers) == 3
    assert isinstance(layers.pop("a"), nn.ReLU) and [key for key, _ in layers.items()] == ["b", "c"]
    with pytest.raises(ValueError, match="ModuleDict update sequence element #0 has length 3; 2 is required"):
        layers.update([(1, 2, 3)])
    layers.clear()
    assert len(layers) == 0


def test_tensors_of_a_parameter_list_are_parameters():
    held = nn.ParameterList([torch.ones(2), nn.Parameter(torch.ones(3)), "text"])
    held.append(torch.zeros(1))
    assert [name for name, _ in held.named_parameters()] == ["0", "1", "3"] and held[2] == "text"
    assert isinstance(held[:2], nn.ParameterList) and len(held) == 4 and held[-1].item() == 0
    held[0] = torch.zeros(2)
    assert isinstance(held[0], nn.Parameter)
    assert repr(held) == (
        "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2]\n"
        "    (1): Parameter containing: [torch.float32 of size 3]\n    (2): Object of type: str\n"
        "    (3): Parameter containing: [torch.float32 of size 1]\n)"
    )
    with pytest.raises(RuntimeError, match="ParameterList should not be called."):
        held(1)


def test_a_parameter_dict_sorts_a_plain_dictionary_and_keeps_other_orders():
    assert list(nn.ParameterDict({"b": torch.ones(1), "a": torch.ones(1)})) == ["a", "b"]
    held = nn.ParameterDict([("b", torch.ones(1)), ("a", torch.ones(2))])
    assert list(held) == ["b", "a"] and list(reversed(held)) == ["a", "b"]
    assert held.setdefault("c", torch.ones(3)).shape == (3,) and held.get("z") is None
    assert held.popitem()[0] == "c" and held.pop("b").shape == (1,) and len(held) == 1
    assert list(held | {"z": torch.ones(1)}) == ["a", "z"] and list(held.fromkeys(["x"], 3)) == ["x"]
    with pytest.raises(TypeError, match="cannot be used as a key as it is not a string"):
        held[3] = torch.ones(1)
    assert list(held.state_dict()) == ["a"]
