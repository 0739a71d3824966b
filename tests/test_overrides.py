"""torch.overrides: types take over functions, and functions can be asked who may take them over."""

import pytest

import tapeless as torch
from tapeless import overrides


class Mine:
    """Takes over everything, and says what."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return overrides.resolve_name(func) or func.__name__, args[1:]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: torch.add(x, 1), "torch.add"),
        (lambda x: torch.relu(x), "torch.relu"),
        (lambda x: torch.matmul(x, x), "torch.matmul"),
    ],
)
def test_a_function_that_is_taken_over_has_a_name(call, name):
    assert call(Mine())[0] == name


def test_a_function_of_ones_own_can_be_taken_over():
    @overrides.wrap_torch_function(lambda x, y=2: (x,))
    def mine(x, y=2):
        return x * y

    assert mine(torch.ones(1)).item() == 2 and mine(3) == 6
    assert mine(Mine(), 5) == ("mine", (5,))


def test_the_lists_hold_what_can_be_taken_over():
    functions = overrides.get_overridable_functions()
    assert torch.add in functions[torch] and torch.nn.functional.gelu in functions[torch.nn.functional]
    assert torch.Tensor.sum in functions[torch.Tensor]
    ignored = overrides.get_ignored_functions()
    assert torch.manual_seed in ignored and torch.add not in ignored
    assert overrides.get_testing_overrides()[torch.add](1, alpha=2) == -1
    assert overrides.is_tensor_method_or_property(torch.Tensor.shape.__get__)
    assert overrides.resolve_name(torch.Tensor.grad.__get__) == "torch.Tensor.grad.__get__"
    assert overrides.resolve_name(3) is None and overrides.resolve_name(print) is None


def test_a_subclass_without_a_protocol_of_its_own_goes_through_compositions():
    class Own(torch.Tensor):
        pass

    x = torch.ones(3).as_subclass(Own)
    assert type(torch.nn.functional.gelu(x)) is Own
    assert type(torch.nn.functional.layer_norm(x, (3,))) is Own
    assert overrides.has_torch_function((x,))
    with overrides.DisableTorchFunctionSubclass():
        assert not overrides.has_torch_function((x,))
