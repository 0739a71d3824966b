"""Pruning masks parameters by PyTorch's choice for the same seed, again and again, until it is made permanent."""

import pytest

import tapeless as torch
from tapeless import nn
from tapeless.nn.utils import prune


def layer():
    torch.manual_seed(0)
    return nn.Linear(3, 2)


# The masks that PyTorch 2.13 makes for a Linear(3, 2) of seed 0.
KNOWN = {
    "random_unstructured": ((0.5,), [0, 0, 1, 0, 1, 1]),
    "random_structured": ((1, 1), [1, 1, 0, 1, 1, 0]),
    "l1_unstructured": ((2,), [0, 1, 1, 1, 1, 0]),
    "ln_structured": ((0.5, 2, 0), [1, 1, 1, 0, 0, 0]),
    "identity": ((), [1, 1, 1, 1, 1, 1]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_each_method_chooses_as_pytorch(name):
    arguments, mask = KNOWN[name]
    module = layer()
    assert getattr(prune, name)(module, "weight", *arguments) is module
    assert module.weight_mask.flatten().tolist() == mask
    assert torch.equal(module.weight, module.weight_orig * module.weight_mask)
    assert list(module.state_dict()) == ["bias", "weight_orig", "weight_mask"] and prune.is_pruned(module)


def test_only_what_is_kept_gets_gradients():
    module = prune.l1_unstructured(layer(), "weight", 2)
    module(torch.ones(1, 3)).sum().backward()
    assert torch.equal(module.weight_orig.grad, module.weight_mask)


def test_pruning_again_prunes_among_what_is_left():
    module = layer()
    for _ in range(3):
        prune.l1_unstructured(module, "weight", 1)
    assert module.weight_mask.sum() == 3
    (container,) = module._forward_pre_hooks.values()
    assert isinstance(container, prune.PruningContainer) and len(container) == 3
    prune.ln_structured(module, "weight", 1, 2, dim=0)
    assert (module.weight_mask.sum(1) == 0).any()


def test_removal_makes_it_permanent():
    module = prune.l1_unstructured(layer(), "weight", 2)
    weight = module.weight.detach().clone()
    prune.remove(module, "weight")
    assert torch.equal(module.weight, weight) and isinstance(module.weight, nn.Parameter)
    assert list(module.state_dict()) == ["bias", "weight"] and not prune.is_pruned(module)
    with pytest.raises(ValueError, match="has to be pruned before pruning can be removed"):
        prune.remove(module, "weight")


def test_a_mask_or_importances_can_be_given():
    module = prune.custom_from_mask(layer(), "bias", torch.tensor([1, 0]))
    assert module.bias_mask.tolist() == [1, 0] and module.bias[1] == 0
    module = prune.l1_unstructured(layer(), "weight", 3, importance_scores=torch.arange(6.0).view(2, 3))
    assert module.weight_mask.flatten().tolist() == [0, 0, 0, 1, 1, 1]


def test_several_parameters_are_pruned_as_one_vector():
    first, second = layer(), layer()
    prune.global_unstructured([(first, "weight"), (second, "bias")], prune.L1Unstructured, amount=0.5)
    assert first.weight_mask.sum() + second.bias_mask.sum() == 4
    kept = [*first.weight_orig[first.weight_mask == 1].abs(), *second.bias_orig[second.bias_mask == 1].abs()]
    gone = [*first.weight_orig[first.weight_mask == 0].abs(), *second.bias_orig[second.bias_mask == 0].abs()]
    assert min(kept) >= max(gone)


def test_a_method_of_ones_own():
    class EveryOther(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    module = layer()
    EveryOther.apply(module, "weight")
    assert module.weight_mask.flatten().tolist() == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("amount", "error", "message"),
    [
        (-1, ValueError, "amount=-1 should either be a float in the range"),
        (1.5, ValueError, "amount=1.5 should either be a float in the range"),
        ("a", TypeError, "Invalid type for amount: a. Must be int or float."),
        (20, ValueError, "amount=20 should be smaller than the number of parameters to prune=6"),
    ],
)
def test_impossible_amounts_are_refused_and_leave_the_module_as_it_was(amount, error, message):
    module = layer()
    with pytest.raises(error, match=message):
        prune.random_unstructured(module, "weight", amount)
    assert sorted(module.state_dict()) == ["bias", "weight"]
