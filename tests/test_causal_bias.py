"""Causal masks for queries and keys of different lengths, as attention takes them."""

import pytest

import tapeless as torch
from tapeless.nn import functional as F
from tapeless.nn.attention.bias import CausalVariant, causal_lower_right, causal_upper_left


@pytest.mark.parametrize(("make", "offset"), [(causal_upper_left, 0), (causal_lower_right, 2)])
def test_the_diagonal_lies_in_its_corner_and_attention_takes_the_mask(make, offset):
    bias = make(3, 5)
    mask = torch.ones(3, 5, dtype=torch.bool).tril(offset)
    assert torch.equal(bias._materialize(), mask) and (bias.seq_len_q, bias.seq_len_kv) == (3, 5)
    q, k, v = torch.randn(1, 2, 3, 4), torch.randn(1, 2, 5, 4), torch.randn(1, 2, 5, 4)
    given = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    assert type(given) is torch.Tensor
    torch.testing.assert_close(given, F.scaled_dot_product_attention(q, k, v, attn_mask=mask))


def test_square_masks_are_what_is_causal_means():
    q = torch.randn(1, 1, 4, 2)
    for make in (causal_upper_left, causal_lower_right):
        torch.testing.assert_close(
            F.scaled_dot_product_attention(q, q, q, attn_mask=make(4, 4)),
            F.scaled_dot_product_attention(q, q, q, is_causal=True),
        )


def test_rows_without_keys_are_announced():
    with pytest.warns(UserWarning, match="will produce NaNs in the output when seq_len_q > seq_len_kv"):
        bias = causal_lower_right(5, 3)
    assert bias.variant is CausalVariant.LOWER_RIGHT and not bias._materialize()[:2].any()
    with pytest.raises(AssertionError, match="causal_upper_left only supports 2D tensors"):
        causal_upper_left(3)
