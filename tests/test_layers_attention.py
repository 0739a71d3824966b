"""Attention with several heads: results, weights, masks and gradients."""

import warnings

import pytest

import tapeless as torch
from tapeless import nn
from tapeless.nn import functional as F


def attention(width=4, heads=2, **settings):
    """A layer whose parameters are sines of their positions."""
    layer = nn.MultiheadAttention(width, heads, **settings)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.arange(p.numel()).view(p.shape).float().sin())
    return layer


def test_results_and_weights_are_pytorchs():
    x = torch.arange(12.0).view(3, 1, 4) / 10
    out, weights = attention()(x, x, x)
    wanted = torch.tensor([-0.8234801888465881, -0.6355161666870117, 3.663623809814453, -1.9825890064239502])
    torch.testing.assert_close(out[0, 0], wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        weights[0, 2], torch.tensor([0.6391977071762085, 0.25681930780410767, 0.10398301482200623])
    )


def test_without_weights_the_results_are_the_same():
    layer = attention(8, 4, add_bias_kv=True, add_zero_attn=True)
    query, key = torch.randn(3, 2, 8), torch.randn(5, 2, 8)
    padding = torch.tensor([[False, False, True, True, True], [False] * 5])
    whole = layer(query, key, key, key_padding_mask=padding)
    lean = layer(query, key, key, key_padding_mask=padding, need_weights=False)
    assert whole[1].shape == (2, 3, 7) and lean[1] is None
    torch.testing.assert_close(lean[0], whole[0])


def test_hidden_keys_do_not_matter_and_have_no_weight():
    layer = attention(batch_first=True)
    x = torch.randn(2, 3, 4)
    hidden = torch.tensor([[False, False, True], [False, False, False]])
    out, weights = layer(x, x, x, key_padding_mask=hidden)
    assert weights[0, :, 2].tolist() == [0.0, 0.0, 0.0]
    changed = x.clone()
    changed[0, 2] = 9.0
    torch.testing.assert_close(layer(x, changed, changed, key_padding_mask=hidden)[0], out)


def test_a_mask_of_truths_is_one_of_infinities():
    layer = attention()
    x = torch.randn(3, 2, 4)
    hidden = torch.triu(torch.ones(3, 3), diagonal=1).bool()
    numbers = torch.zeros(3, 3).masked_fill(hidden, float("-inf"))
    out = layer(x, x, x, attn_mask=hidden)[0]
    torch.testing.assert_close(layer(x, x, x, attn_mask=numbers)[0], out)
    hint = layer(x, x, x, attn_mask=numbers, is_causal=True, need_weights=False)[0]
    torch.testing.assert_close(hint, out)


def test_each_head_can_have_its_own_mask():
    layer = attention()
    x = torch.randn(3, 2, 4)
    masks = torch.zeros(4, 3, 3)
    masks[0, :, 0] = float("-inf")  # example 0, head 0
    _, weights = layer(x, x, x, attn_mask=masks, average_attn_weights=False)
    assert weights.shape == (2, 2, 3, 3)
    assert (weights[0, 0, :, 0] == 0).all() and (weights[0, 1, :, 0] > 0).all() and (weights[1] > 0).all()


def test_an_example_without_a_batch_is_a_batch_of_one():
    layer = attention()
    x = torch.randn(3, 4)
    alone, weights = layer(x, x, x)
    together, stacked = layer(x.unsqueeze(1), x.unsqueeze(1), x.unsqueeze(1))
    torch.testing.assert_close(alone, together.squeeze(1))
    torch.testing.assert_close(weights, stacked.squeeze(0))


def test_other_widths_of_keys_and_values():
    layer = attention(4, 2, kdim=3, vdim=5)
    out, weights = layer(torch.randn(2, 1, 4), torch.randn(6, 1, 3), torch.randn(6, 1, 5))
    assert out.shape == (2, 1, 4) and weights.shape == (1, 2, 6)


def test_gradients_are_those_of_finite_differences():
    layer = attention().double()
    x = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.randn(3, 3, dtype=torch.float64)
    direction = torch.randn_like(x)

    def value(shift):
        y = x + shift * direction
        return layer(y, y, y, attn_mask=mask)[0].cos().sum()

    value(0.0).backward()
    slope = (value(1e-6) - value(-1e-6)).item() / 2e-6
    assert (x.grad * direction).sum().item() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda m, x: m(x, x[:2], x), AssertionError, "does not match value shape"),
        (lambda m, x: m(x[..., :2], x, x), AssertionError, "was expecting embedding dimension of 4"),
        (lambda m, x: m(x, x, x, attn_mask=torch.zeros(2, 2)), RuntimeError, "should be .3, 3."),
        (lambda m, x: m(x, x, x, is_causal=True), RuntimeError, "Need attn_mask if specifying the is_causal hint"),
        (lambda m, x: m(x[0], x, x), AssertionError, "For unbatched .2-D. `query`"),
        (lambda m, x: nn.MultiheadAttention(5, 2), AssertionError, "embed_dim must be divisible by num_heads"),
    ],
)
def test_what_does_not_fit_is_refused_with_words(call, error, text):
    with pytest.raises(error, match=text):
        call(attention(), torch.randn(3, 2, 4))


def test_masks_of_two_kinds_warn():
    x = torch.randn(3, 2, 4)
    masks = {"attn_mask": torch.zeros(3, 3), "key_padding_mask": torch.zeros(2, 3).bool()}
    with pytest.warns(UserWarning, match="mismatched key_padding_mask and attn_mask"):
        attention()(x, x, x, **masks)


def test_the_function_is_what_the_module_computes():
    layer = attention()
    x = torch.randn(3, 2, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out, _ = F.multi_head_attention_forward(
            x, x, x, 4, 2, layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0, layer.out_proj.weight,
            layer.out_proj.bias,
        )  # fmt: skip
    torch.testing.assert_close(out, layer(x, x, x)[0])
