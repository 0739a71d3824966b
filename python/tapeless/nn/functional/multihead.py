# Attention with several heads over projected inputs.
"""multi_head_attention_forward (Vaswani et al. 2017), and masks as numbers to be added."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tapeless
from tapeless.nn.functional.attention import scaled_dot_product_attention
from tapeless.nn.functional.linear import linear

__all__ = ["multi_head_attention_forward"]


def canonical_mask(
    mask: Any, mask_name: str, other_type: Any, other_name: str, target_type: Any, check_other: bool = True
) -> Any:
    """A mask as numbers to be added: a bool one is -inf where it is True and else 0; warns where two kinds meet."""
    if mask is None:
        return None
    if mask.dtype is not tapeless.bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype is not other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=3,
        )
    if mask.is_floating_point():
        return mask
    return tapeless.zeros_like(mask, dtype=target_type).masked_fill_(mask, float("-inf"))


def _checked_shapes(query: Any, key: Any, value: Any, key_padding_mask: Any, attn_mask: Any, heads: int) -> bool:
    """Whether there is a batch dimension; AssertionError where the ranks do not fit."""
    rank = query.dim()
    if rank not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor")
    kind = "batched (3-D)" if rank == 3 else "unbatched (2-D)"
    if key.dim() != rank or value.dim() != rank:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {rank}-D but found {key.dim()}-D and "
            f"{value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != rank - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {rank - 1}-D but found "
            f"{key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(
                f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D "
                "tensor instead"
            )
        if rank == 2 and attn_mask.dim() == 3 and attn_mask.shape != (heads, query.shape[0], key.shape[0]):
            raise AssertionError(
                f"Expected `attn_mask` shape to be {(heads, query.shape[0], key.shape[0])} but got {attn_mask.shape}"
            )
    return rank == 3


def _projected(query: Any, key: Any, value: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Queries, keys and values by one weight that holds the three; what is the same tensor is one product."""
    width = query.shape[-1]
    if key is value and query is key:
        return tuple(linear(query, weight, bias).chunk(3, -1))
    if key is value:
        biases = (None, None) if bias is None else bias.split([width, 2 * width])
        weights = weight.split([width, 2 * width])
        return linear(query, weights[0], biases[0]), *linear(key, weights[1], biases[1]).chunk(2, -1)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(map(linear, (query, key, value), weight.chunk(3), biases))


def _separately(query: Any, key: Any, value: Any, weights: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Queries, keys and values by a weight for each."""
    for name, x, weight in zip("qkv", (query, key, value), weights, strict=True):
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
        if weight.shape != (query.shape[-1], x.shape[-1]):
            raise AssertionError(
                f"expecting {name} weights shape of {(query.shape[-1], x.shape[-1])}, but got {weight.shape}"
            )
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(map(linear, (query, key, value), weights, biases))


def _one_more_key(mask: Any) -> Any:
    return None if mask is None else tapeless.constant_pad_nd(mask, (0, 1))


def _need_mask_shape(mask: Any, heads: int, query: Any, key: Any) -> Any:
    """The mask with a leading dimension; RuntimeError for a wrong shape."""
    length, batch, keys = *query.shape[:2], key.shape[0]
    wanted = (length, keys) if mask.dim() == 2 else (batch * heads, length, keys)
    if tuple(mask.shape) != wanted:
        raise RuntimeError(f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {wanted}.")
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _merged(mask: Any, of_keys: Any, heads: int, batch: int, keys: int) -> Any:
    """The mask of places, and that of keys, (N, S), for every head and place."""
    if of_keys is None:
        return mask
    if tuple(of_keys.shape) != (batch, keys):
        raise AssertionError(f"expecting key_padding_mask shape of {(batch, keys)}, but got {of_keys.shape}")
    spread = of_keys.view(batch, 1, 1, keys).expand(-1, heads, -1, -1).reshape(batch * heads, 1, keys)
    return spread if mask is None else mask + spread


def _with_weights(q: Any, k: Any, v: Any, mask: Any, p: float) -> tuple[Any, Any]:
    """(N * heads, L, width) of the result, and the weights (N * heads, L, S)."""
    scaled = q * math.sqrt(1.0 / q.shape[-1])
    keys = k.transpose(-2, -1)
    scores = tapeless.bmm(scaled, keys) if mask is None else tapeless.baddbmm(mask, scaled, keys)
    weights = tapeless.softmax(scores, -1)
    if p > 0.0:
        weights = tapeless.dropout(weights, p, True)
    return tapeless.bmm(weights, v), weights


def _check_sizes(query: Any, key: Any, value: Any, width: int, heads: int, separate: bool, mask: Any) -> None:
    if query.shape[-1] != width:
        raise AssertionError(f"was expecting embedding dimension of {width}, but got {query.shape[-1]}")
    if width % heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {heads}")
    if separate and key.shape[:2] != value.shape[:2]:
        raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}")
    if not separate and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
    if mask is not None and mask.shape[0] != query.shape[1]:
        raise AssertionError(f"Expected key_padded_mask.shape[0] to be {query.shape[1]}, but got {mask.shape[0]}")


def _with_batch(query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """A batch of one; what was the same tensor stays the same."""
    same_key, same_value = key is query, value is key
    query = query.unsqueeze(1)
    key = query if same_key else key.unsqueeze(1)
    return query, key, key if same_value else value.unsqueeze(1)


class _Heads:
    """Queries, keys and values of all heads, (N * heads, length, width each), and what they may see."""

    def __init__(self, q: Any, k: Any, v: Any, heads: int, mask: Any, of_keys: Any) -> None:
        self.length, self.batch, self.width = q.shape
        self.heads, self.each = heads, self.width // heads
        self.q, self.k, self.v = q, k, v
        self.mask, self.of_keys = mask, of_keys

    def add_key(self, key: Any, value: Any) -> None:
        """One more key and value, the same for all examples, which everyone may see."""
        self.k = tapeless.cat([self.k, key.repeat(1, self.batch, 1)])
        self.v = tapeless.cat([self.v, value.repeat(1, self.batch, 1)])
        self.mask, self.of_keys = _one_more_key(self.mask), _one_more_key(self.of_keys)

    def split(self, static_k: Any, static_v: Any) -> None:
        """(length, N, width) to (N * heads, length, width each); static ones are already so."""
        together = self.batch * self.heads

        def apart(x: Any) -> Any:
            return x.reshape(x.shape[0], together, self.each).transpose(0, 1)

        self.q = apart(self.q)
        self.k = apart(self.k) if static_k is None else static_k
        self.v = apart(self.v) if static_v is None else static_v

    def add_zero(self) -> None:
        """One more key and value of zeros, which everyone may see."""
        shape = (self.batch * self.heads, 1, self.each)
        self.k = tapeless.cat([self.k, tapeless.zeros(shape, dtype=self.k.dtype, device=self.k.device)], 1)
        self.v = tapeless.cat([self.v, tapeless.zeros(shape, dtype=self.v.dtype, device=self.v.device)], 1)
        self.mask, self.of_keys = _one_more_key(self.mask), _one_more_key(self.of_keys)

    def attend(self, p: float, causal: bool, need_weights: bool) -> tuple[Any, Any]:
        """The results beside each other, (L * N, width), and the weights (N, heads, L, S) if they are wanted."""
        keys = self.k.shape[1]
        mask = _merged(self.mask, self.of_keys, self.heads, self.batch, keys)
        weights = None
        if need_weights:
            out, weights = _with_weights(self.q, self.k, self.v, mask, p)
            weights = weights.view(self.batch, self.heads, self.length, keys)
            return out.transpose(0, 1).reshape(self.length * self.batch, self.width), weights
        if mask is not None:
            one = mask.shape[0] == 1
            mask = mask.unsqueeze(0) if one else mask.view(self.batch, self.heads, -1, keys)
        parts = [x.view(self.batch, self.heads, x.shape[1], self.each) for x in (self.q, self.k, self.v)]
        out = scaled_dot_product_attention(*parts, mask, p, causal)
        return out.permute(2, 0, 1, 3).reshape(self.length * self.batch, self.width), None


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """Attention over projected query (L, N, E), key and value (S, N, …), or the same without N; also the weights.

    key_padding_mask (N, S) hides keys, attn_mask (L, S) or (N * heads, L, S) pairs: True, or -inf, is hidden.
    is_causal is a hint that attn_mask hides what comes later. The weights are (N, L, S), or (N, heads, L, S) unless
    they are averaged. Derivative: that of the products and of softmax.
    """
    batched = _checked_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = _with_batch(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight, key_padding_mask)
    mask, of_keys, causal = _masks(attn_mask, key_padding_mask, is_causal, need_weights, query.dtype)
    if mask is not None:
        mask = _need_mask_shape(mask, num_heads, query, key)
    if use_separate_proj_weight:
        q, k, v = _separately(query, key, value, (q_proj_weight, k_proj_weight, v_proj_weight), in_proj_bias)
    else:
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    heads = _Heads(q, k, v, num_heads, mask, of_keys)
    if bias_k is not None and bias_v is not None:
        heads.add_key(bias_k, bias_v)
    heads.split(static_k, static_v)
    if add_zero_attn:
        heads.add_zero()
    out, weights = heads.attend(dropout_p if training else 0.0, causal, need_weights)
    out = linear(out, out_proj_weight, out_proj_bias).view(*query.shape[:2], -1)
    if weights is not None and average_attn_weights:
        weights = weights.mean(dim=1)
    if not batched:
        return out.squeeze(1), None if weights is None else weights.squeeze(0)
    return out, weights


def _masks(attn_mask: Any, of_keys: Any, is_causal: bool, need_weights: bool, dtype: Any) -> tuple[Any, Any, bool]:
    """Both masks as numbers, and whether the kernel may go by the hint alone, which then stands for the mask."""
    other = None if attn_mask is None else attn_mask.dtype
    of_keys = canonical_mask(of_keys, "key_padding_mask", other, "attn_mask", dtype)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and of_keys is None and not need_weights:
        return None, None, True
    return canonical_mask(attn_mask, "attn_mask", None, "", dtype, False), of_keys, False
