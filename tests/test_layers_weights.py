"""Layers begin with PyTorch's weights for the same seed, drawn in its order, and keep its names in their state.

The numbers are PyTorch 2.13's.
"""

import pytest

import tapeless as torch
from tapeless import nn

FIRST = [
    (lambda: nn.Conv2d(2, 3, 2), "weight", [-0.0026469905860722065, 0.18966144323349, -0.2909903824329376]),
    (lambda: nn.Conv2d(2, 3, 2), "bias", [-0.05698692053556442, 0.037410933524370193, 0.3201341927051544]),
    (lambda: nn.ConvTranspose1d(2, 3, 2), "weight", [-0.0030564817134290934, 0.21900218725204468, -0.3360067903995514]),
    (lambda: nn.MultiheadAttention(4, 2), "in_proj_weight", [0.22242416441440582, 0.508506715297699]),
    (lambda: nn.MultiheadAttention(4, 2), "out_proj.weight", [-0.003743410110473633, 0.26822179555892944]),
    (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2]), "tail.0.1.weight", [0.39533519744873047, 0.6000227928161621]),
]


@pytest.mark.parametrize(("make", "name", "numbers"), FIRST)
def test_the_same_seed_gives_the_same_weights_to_the_bit(make, name, numbers):
    torch.manual_seed(0)
    found = make().state_dict()[name].flatten()[: len(numbers)]
    assert found.tolist() == numbers


def test_normal_weights_agree_but_for_the_last_bit():
    torch.manual_seed(0)
    weight = nn.Embedding(3, 2, padding_idx=1).weight.detach()
    wanted = [[1.5409960746765137, -0.293428897857666], [0.0, 0.0], [-1.0845223665237427, -1.3985954523086548]]
    torch.testing.assert_close(weight, torch.tensor(wanted), rtol=1e-6, atol=0)


def test_a_lazy_convolution_draws_at_its_first_input_and_becomes_an_ordinary_one():
    torch.manual_seed(0)
    layer = nn.LazyConv1d(2, 2)
    assert layer.has_uninitialized_params()
    layer(torch.zeros(1, 3, 4))
    assert type(layer) is nn.Conv1d and layer.in_channels == 3 and layer.weight.shape == (2, 3, 2)
    assert layer.weight.flatten()[:2].tolist() == [-0.0030564817134290934, 0.21900218725204468]
    assert layer.bias.tolist() == [-0.39001941680908203, -0.2703755497932434]


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.LazyConv2d(4, 3), (2, 3, 5, 5)),
        (lambda: nn.LazyConvTranspose2d(4, 3), (2, 3, 5, 5)),
        (lambda: nn.LazyBatchNorm2d(), (2, 3, 5, 5)),
        (lambda: nn.LazyInstanceNorm1d(), (2, 3, 5)),
    ],
)
def test_a_lazy_layer_takes_its_shapes_from_a_state(make, shape):
    known = make()
    known(torch.randn(shape))
    waiting = make()
    waiting.load_state_dict(known.state_dict())
    assert not waiting.has_uninitialized_params()
    x = torch.randn(shape)
    torch.testing.assert_close(waiting(x), known(x))


KEYS = [
    (lambda: nn.BatchNorm1d(3), ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]),
    (lambda: nn.BatchNorm1d(3, affine=False), ["running_mean", "running_var", "num_batches_tracked"]),
    (lambda: nn.InstanceNorm1d(3), []),
    (lambda: nn.LayerNorm(3, bias=False), ["weight"]),
    (lambda: nn.CrossEntropyLoss(torch.ones(3)), ["weight"]),
    (lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=2, add_bias_kv=True), [
        "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "bias_k", "bias_v", "out_proj.weight",
        "out_proj.bias",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "keys"), KEYS)
def test_states_have_pytorchs_keys(make, keys):
    assert sorted(make().state_dict()) == sorted(keys)


def test_an_old_batch_normalisation_state_has_no_count():
    layer = nn.BatchNorm1d(2)
    layer(torch.randn(4, 2))
    state = layer.state_dict()
    assert state._metadata[""]["version"] == 2
    old = type(state)((key, x) for key, x in state.items() if key != "num_batches_tracked")
    fresh = nn.BatchNorm1d(2)
    assert str(fresh.load_state_dict(old)) == "<All keys matched successfully>"
    assert fresh.num_batches_tracked.item() == 0


def test_a_pretrained_table_does_not_learn_unless_asked():
    table = torch.arange(6.0).view(3, 2)
    assert not nn.Embedding.from_pretrained(table).weight.requires_grad
    assert nn.EmbeddingBag.from_pretrained(table, freeze=False).weight.requires_grad
    assert nn.Embedding.from_pretrained(table)(torch.tensor([2, 0])).tolist() == [[4.0, 5.0], [0.0, 1.0]]


def test_a_lazy_layer_waits_through_conversions():
    layer = nn.LazyBatchNorm1d().to(torch.float64)
    assert type(layer.running_mean) is nn.UninitializedBuffer
    layer(torch.randn(4, 3, dtype=torch.float64))
    assert layer.running_var.dtype is torch.float64 and layer.weight.shape == (3,)
    assert nn.LazyLinear(2).to("meta").weight.device.type == "meta"
