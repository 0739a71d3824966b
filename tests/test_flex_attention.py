"""flex_attention is attention with scores and masks as functions of positions, and has gradients."""

import pytest

import tapeless as torch
from tapeless.nn import functional as F
from tapeless.nn.attention.flex_attention import (
    and_masks,
    create_block_mask,
    create_mask,
    flex_attention,
    noop_mask,
    or_masks,
)
from tests.derivatives import check_gradients


def causal(b, h, q, k):
    return q >= k


def operands(queries=4, keys=4, dtype=torch.float64):
    torch.manual_seed(0)
    return [torch.randn(2, 2, length, 3, dtype=dtype) for length in (queries, keys, keys)]


def test_without_functions_it_is_attention():
    torch.testing.assert_close(flex_attention(*operands()), F.scaled_dot_product_attention(*operands()))


def test_a_causal_mask_is_is_causal():
    mask = create_block_mask(causal, None, None, 4, 4)
    expected = F.scaled_dot_product_attention(*operands(), is_causal=True)
    torch.testing.assert_close(flex_attention(*operands(), block_mask=mask), expected)


def test_a_score_function_is_an_added_bias():
    bias = torch.arange(4.0).double().view(4, 1) - torch.arange(4.0).double() + torch.arange(2.0).view(2, 1, 1)
    out = flex_attention(*operands(), score_mod=lambda score, b, h, q, k: score + (q - k) + h)
    torch.testing.assert_close(out, F.scaled_dot_product_attention(*operands(), attn_mask=bias.expand(2, 2, 4, 4)))


def test_a_query_that_sees_nothing_gives_zeros():
    mask = create_block_mask(lambda b, h, q, k: k < q, None, None, 4, 4)
    out, sums = flex_attention(*operands(), block_mask=mask, return_lse=True)
    assert not out[:, :, 0].any() and out[:, :, 1].any() and torch.isneginf(sums[:, :, 0]).all()


def test_gradients_are_those_of_differences():
    mask = create_block_mask(lambda b, h, q, k: k < q, None, None, 3, 3)
    check_gradients(
        lambda q, k, v: flex_attention(q, k, v, score_mod=lambda s, b, h, i, j: s * 2 + h, block_mask=mask),
        *(x.requires_grad_() for x in operands(3, 3)),
    )


def test_blocks_are_counted_as_pytorch_counts_them():
    mask = create_block_mask(causal, 1, 1, 300, 300)
    assert mask.to_dense()[0, 0].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert mask.kv_num_blocks.tolist() == [[[1, 1, 3]]] and mask.full_kv_num_blocks.tolist() == [[[0, 1, 0]]]
    assert mask.kv_indices[0, 0].tolist() == [[0, 1, 2], [1, 0, 2], [0, 1, 2]]
    assert abs(mask.sparsity() + 9.2267) < 1e-3


def test_masks_combine():
    near = and_masks(causal, lambda b, h, q, k: q - k < 2)
    assert create_mask(near, None, None, 3, 3)[0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert create_mask(or_masks(causal, noop_mask), None, None, 2, 2).all()


def test_heads_may_share_keys_and_values():
    query, key, value = torch.randn(1, 4, 3, 2), torch.randn(1, 2, 3, 2), torch.randn(1, 2, 3, 2)
    expected = F.scaled_dot_product_attention(query, key, value, enable_gqa=True)
    torch.testing.assert_close(flex_attention(query, key, value, enable_gqa=True), expected)
    with pytest.raises(ValueError, match="Try setting enable_gqa=True for GQA"):
        flex_attention(query, key, value)
