"""state_dict and load_state_dict: keys, sharing, versions, strictness, and what the errors say."""

import re
from collections import OrderedDict

import pytest

import tapeless as torch
from tapeless import nn


class Kinds(nn.Module):
    """One of each kind of entry."""

    _version = 3

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.register_parameter("absent", None)
        self.register_buffer("kept", torch.zeros(1))
        self.register_buffer("dropped", torch.zeros(1), persistent=False)
        self.layer = nn.Linear(2, 1)


def test_keys_are_the_parameters_and_persistent_buffers_in_order_with_versions():
    state = Kinds().state_dict()
    assert type(state) is OrderedDict
    assert list(state) == ["weight", "kept", "layer.weight", "layer.bias"]
    assert dict(state._metadata) == {"": {"version": 3}, "layer": {"version": 1}}
    assert list(Kinds().state_dict(prefix="m.")) == ["m.weight", "m.kept", "m.layer.weight", "m.layer.bias"]


def test_values_are_detached_and_share_memory_unless_kept():
    module = nn.Linear(2, 1)
    state = module.state_dict()
    assert not state["weight"].requires_grad and type(state["weight"]) is torch.Tensor
    state["weight"].fill_(7)
    assert module.weight.tolist() == [[7, 7]]
    assert module.state_dict(keep_vars=True)["weight"] is module.weight


def test_loading_copies_in_place_and_reports_that_all_matched():
    source, target = nn.Linear(2, 1), nn.Linear(2, 1)
    weight = target.weight
    found = target.load_state_dict(source.state_dict())
    assert repr(found) == "<All keys matched successfully>"
    assert target.weight is weight and torch.equal(weight, source.weight)


def test_assign_takes_the_tensors_themselves():
    state = {"weight": torch.ones(1, 2), "bias": torch.ones(1)}
    module = nn.Linear(2, 1, device="meta")
    module.load_state_dict(state, assign=True)
    assert module.weight.data_ptr() == state["weight"].data_ptr()
    assert isinstance(module.weight, nn.Parameter) and module.weight.requires_grad


def test_a_copy_into_a_module_without_memory_warns():
    with pytest.warns(UserWarning, match="which is a no-op. .Did you mean to pass `assign=True`"):
        nn.Linear(2, 1, bias=False, device="meta").load_state_dict({"weight": torch.ones(1, 2)})


def test_errors_list_everything_that_is_wrong():
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    state = {"0.weight": torch.ones(3, 3), "0.bias": 3, "extra": torch.ones(1), "1.deep.er": torch.ones(1)}
    with pytest.raises(RuntimeError) as refused:
        module.load_state_dict(state)
    assert str(refused.value) == (
        'Error(s) in loading state_dict for Sequential:\n\tMissing key(s) in state_dict: "1.weight", "1.bias". \n\t'
        'Unexpected key(s) in state_dict: "extra", "1.deep.er". \n\tsize mismatch for 0.weight: copying a param with '
        "shape torch.Size([3, 3]) from checkpoint, the shape in current model is torch.Size([3, 2]).\n\t"
        'While copying the parameter named "0.bias", expected torch.Tensor or Tensor-like object from checkpoint but '
        "received <class 'int'>"
    )


def test_without_strictness_the_keys_are_returned():
    found = nn.Linear(2, 1).load_state_dict({"weight": torch.ones(1, 2), "other": torch.ones(1)}, strict=False)
    assert found.missing_keys == ["bias"] and found.unexpected_keys == ["other"]
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'int'>."):
        nn.Linear(2, 1).load_state_dict(3)


def test_positional_arguments_still_work_and_warn():
    with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
        assert list(nn.Linear(1, 1).state_dict({}, "p.")) == ["p.weight", "p.bias"]


def test_extra_state_travels_beside_the_tensors():
    class Extra(nn.Linear):
        note = "first"

        def get_extra_state(self):
            return {"note": self.note}

        def set_extra_state(self, state):
            self.note = state["note"]

    source, target = nn.Sequential(Extra(1, 1)), nn.Sequential(Extra(1, 1))
    source[0].note = "second"
    assert list(source.state_dict()) == ["0.weight", "0.bias", "0._extra_state"]
    target.load_state_dict(source.state_dict())
    assert target[0].note == "second"
    with pytest.raises(RuntimeError, match=re.escape('Missing key(s) in state_dict: "0._extra_state"')):
        target.load_state_dict(nn.Sequential(nn.Linear(1, 1)).state_dict())


def test_hooks_of_saving_and_loading_run_at_their_module():
    module, log = nn.Sequential(nn.Linear(1, 1)), []
    layer = module[0]
    layer.register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("save", prefix, keep)))
    layer.register_state_dict_post_hook(lambda m, state, prefix, meta: log.append(("saved", prefix, dict(meta))))
    layer.register_load_state_dict_pre_hook(lambda m, state, prefix, *_: log.append(("load", m is layer, prefix)))
    layer.register_load_state_dict_post_hook(lambda m, keys: log.append(("loaded", *keys)))
    module.load_state_dict(module.state_dict())
    assert log == [("save", "0.", False), ("saved", "0.", {"version": 1}), ("load", True, "0."), ("loaded", [], [])]


def test_a_private_hook_replaces_the_dictionary_and_a_public_one_may_not():
    module = nn.Linear(1, 1)
    with module._register_state_dict_hook(lambda m, state, prefix, meta: {"only": 1}):
        assert module.state_dict() == {"only": 1}
    module.register_state_dict_post_hook(lambda m, state, prefix, meta: {})
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        module.state_dict()


def test_an_overridden_loader_sees_its_versions_and_can_rename():
    class Renamed(nn.Linear):
        _version = 2

        def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
            if local_metadata.get("version", 1) < 2:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    old = nn.Linear(2, 1).state_dict()
    old["w"] = old.pop("weight")
    module = Renamed(2, 1)
    module.load_state_dict(old)
    assert torch.equal(module.weight, old["w"])


def test_a_prefix_is_taken_off_in_place():
    state = nn.DataParallel(nn.Linear(2, 1)).state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == ["weight", "bias"]
    nn.Linear(2, 1).load_state_dict(state)
