"""Transformers: PyTorch's weights for the same seed, masks, and both orders of normalisation."""

import pytest

import tapeless as torch
from tapeless import nn


def small(**settings):
    """A transformer of one layer each, without dropout."""
    torch.manual_seed(0)
    return nn.Transformer(8, 2, 1, 1, 16, dropout=0.0, **settings)


def test_the_same_seed_gives_pytorchs_weights():
    layer = small().encoder.layers[0]
    torch.testing.assert_close(
        layer.self_attn.in_proj_weight[0, :3], torch.tensor([0.3842, 0.4028, -0.0413]), rtol=0, atol=5e-5
    )
    torch.testing.assert_close(layer.linear1.weight[0, :3], torch.tensor([-0.3026, 0.0926, 0.0131]), rtol=0, atol=5e-5)
    torch.testing.assert_close(layer.linear1.bias[:3], torch.tensor([-0.1993, -0.1984, -0.2721]), rtol=0, atol=5e-5)


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_causal_mask_hides_what_follows(norm_first):
    model = small(norm_first=norm_first)
    source, target = torch.randn(4, 2, 8), torch.randn(5, 2, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    whole = model(source, target, tgt_mask=mask)
    changed = target.clone()
    changed[3:] = 7.0
    torch.testing.assert_close(model(source, changed, tgt_mask=mask)[:3], whole[:3])
    assert not torch.allclose(model(source, changed)[:3], model(source, target)[:3])


def test_padded_positions_of_the_source_do_not_matter():
    model = small(batch_first=True)
    source, target = torch.randn(2, 4, 8), torch.randn(2, 3, 8)
    padding = torch.tensor([[False, False, True, True], [False, False, False, False]])
    masks = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
    whole = model(source, target, **masks)
    source[0, 2:] = 100.0
    torch.testing.assert_close(model(source, target, **masks), whole)


def test_batch_first_only_turns_the_batch():
    ahead, behind = small(batch_first=True), small()
    behind.load_state_dict(ahead.state_dict())
    source, target = torch.randn(2, 4, 8), torch.randn(2, 3, 8)
    turned = behind(source.transpose(0, 1), target.transpose(0, 1)).transpose(0, 1)
    torch.testing.assert_close(ahead(source, target), turned)


def test_gradients_reach_every_parameter():
    model = small()
    model(torch.randn(4, 2, 8), torch.randn(3, 2, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters() if p.dim() > 1)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: small()(torch.ones(3, 2, 8), torch.ones(3, 3, 8)), RuntimeError, "batch number of src and tgt"),
        (lambda: small()(torch.ones(3, 2, 7), torch.ones(3, 2, 7)), RuntimeError, "feature number of src and tgt"),
        (lambda: nn.TransformerEncoderLayer(8, 3), AssertionError, "embed_dim must be divisible by num_heads"),
        (lambda: nn.TransformerEncoderLayer(8, 2, activation="sin"), RuntimeError, "should be relu/gelu, not sin"),
    ],
)
def test_bad_input_is_refused_with_words(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_padded_ends_are_zeros_in_evaluation_without_gradients_as_in_pytorch():
    torch.manual_seed(0)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    x, padding = torch.randn(2, 4, 8), torch.tensor([[False, False, False, True], [False, False, True, True]])
    whole = encoder(x, src_key_padding_mask=padding)
    with torch.no_grad():
        left_out = encoder(x, src_key_padding_mask=padding)
        at_the_front = encoder(x, src_key_padding_mask=padding.flip(1))
    assert (whole != 0).all() and (at_the_front != 0).all()
    assert (left_out[padding] == 0).all()
    torch.testing.assert_close(left_out[~padding], whole[~padding])
