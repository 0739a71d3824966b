# Attention as a composition of products and softmax.
"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless.composition import autocasts, composition
from tapeless.nn.functional._checks import need_tensor, spelled

__all__ = ["scaled_dot_product_attention"]


def _checked(query: Any, key: Any, value: Any, mask: Any, causal: bool) -> None:
    for position, (name, x) in enumerate((("query", query), ("key", key), ("value", value)), 1):
        need_tensor("scaled_dot_product_attention", name, position, x)
    if not (query.dtype is key.dtype is value.dtype):
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{spelled(query)} key.dtype: {spelled(key)} and value.dtype: {spelled(value)} instead."
        )
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be at least 2 dimensional, but got query.dim: "
            f"{query.dim()}, key.dim: {key.dim()} and value.dim: {value.dim()} instead."
        )
    if mask is not None:
        if mask.dtype is not tapeless.bool and mask.dtype is not query.dtype and mask.dtype is not tapeless.float32:
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{spelled(mask)} and query.dtype: {spelled(query)} instead."
            )
        if causal:
            raise RuntimeError(
                "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
            )


@autocasts("lower")
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(query @ key.T * scale + mask) @ value over the last two dimensions (Vaswani et al. 2017).

    scale is 1 / sqrt(width) if it is not given. A bool mask says which positions take part; is_causal lets position i
    see those up to i. Rows that see nothing give 0. With enable_gqa a head of key and value serves several heads of
    query. Derivative: that of the products and of softmax.
    """
    _checked(query, key, value, attn_mask, is_causal)
    four = query.dim() == key.dim() == value.dim() == 4
    plain = attn_mask is None or not attn_mask.requires_grad
    fits = four and query.shape[-1] == key.shape[-1] == value.shape[-1] and query.shape[0] == key.shape[0]
    if fits and plain and dropout_p == 0 and 0 not in (*query.shape, *key.shape):
        return _flash(query, key, value, attn_mask, is_causal, scale, enable_gqa)
    return _final(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)


@composition("scaled_dot_product_flash_attention_for_cpu")
def _flash(query: Any, key: Any, value: Any, mask: Any, causal: bool, scale: float | None, grouped: bool) -> Any:
    """Under the name that PyTorch's fused kernel has."""
    return _attention(query, key, value, mask, 0.0, causal, scale, grouped)


@composition("unsafe_view")
def _final(
    query: Any, key: Any, value: Any, mask: Any, p: float, causal: bool, scale: float | None, grouped: bool
) -> Any:
    """Under the name of the last step of PyTorch's products."""
    return _attention(query, key, value, mask, p, causal, scale, grouped)


def _attention(
    query: Any, key: Any, value: Any, mask: Any, p: float, causal: bool, scale: float | None, grouped: bool
) -> Any:
    if grouped:
        heads = query.shape[-3]
        key, value = (_repeated(x, heads) for x in (key, value))
    factor = math.sqrt(1.0 / math.sqrt(query.shape[-1]) if scale is None else scale) if query.shape[-1] else 0.0
    scores = (query * factor).matmul((key * factor).transpose(-2, -1))
    if causal:
        rows, columns = tapeless.arange(scores.shape[-2]), tapeless.arange(scores.shape[-1])
        mask = columns.unsqueeze(0) <= rows.unsqueeze(1)
    hidden = None
    if mask is not None and mask.dtype is tapeless.bool:
        hidden = mask.logical_not()
        scores = tapeless.where(hidden, -math.inf, scores)
        hidden = (scores == -math.inf).all(-1, keepdim=True)
    elif mask is not None:
        scores = scores + mask
        hidden = (scores.detach() == -math.inf).all(-1, keepdim=True)
    weights = tapeless.softmax(scores, -1)
    if hidden is not None and hidden.any().item():
        weights = tapeless.where(hidden, 0, weights)
    if p > 0:
        weights = tapeless.dropout(weights, p, True)
    return weights.matmul(value)


def _repeated(x: Any, heads: int) -> Any:
    """Each head as often as there are heads of query for it."""
    own = x.shape[-3]
    if heads % own:
        raise RuntimeError(f"Number of heads in key and value must divide the number of heads in query: {own}, {heads}")
    if own == heads:
        return x
    shape = tuple(x.shape)
    spread = x.unsqueeze(-3).expand(*shape[:-2], heads // own, *shape[-2:])
    return spread.reshape(*shape[:-3], heads, *shape[-2:])
