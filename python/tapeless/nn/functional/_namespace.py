# Functions that the namespace itself has in another form than torch.nn.functional.
"""torch.embedding_bag and the like; `_later.py` says which names are found here."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless.composition import composition
from tapeless.nn import functional
from tapeless.nn.functional.embedding import _bags

_MODES = ("sum", "mean", "max")
_REDUCTIONS = ("none", "mean", "sum")

adaptive_max_pool1d = functional.adaptive_max_pool1d_with_indices


def poisson_nll_loss(input: Any, target: Any, log_input: bool, full: bool, eps: float, reduction: int) -> Any:
    """nn.functional.poisson_nll_loss with the reduction as a number: 0 none, 1 mean, 2 sum."""
    return functional.poisson_nll_loss(
        input, target, log_input=log_input, full=full, eps=eps, reduction=_REDUCTIONS[reduction]
    )


def norm_except_dim(v: Any, pow: int = 2, dim: int = 0) -> Any:
    """The norms of a tensor over all dimensions but one, which keep their places; over all if dim is -1.

    Derivative: that of `norm`.
    """
    if dim == -1:
        return v.norm(pow)
    others = [d for d in range(v.dim()) if d != dim % v.dim()]
    return tapeless.linalg.vector_norm(v, pow, others, keepdim=True)


def frobenius_norm(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """The root of the sum of squares over dimensions. Derivative: that of linalg.vector_norm."""
    return tapeless.linalg.vector_norm(input, 2, dim, keepdim)


def nuclear_norm(input: Any, dim: Any = (-2, -1), keepdim: bool = False) -> Any:
    """The sum of singular values. Derivative: that of linalg.matrix_norm."""
    return tapeless.linalg.matrix_norm(input, "nuc", tuple(dim), keepdim)


def embedding_bag(
    weight: Any,
    indices: Any,
    offsets: Any,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Any, Any, Any, Any]:
    """nn.functional.embedding_bag by number of mode, 0 sum, 1 mean, 2 max, and three tensors about the bags.

    These are the bag of each index, how many each bag has, and of a maximum which index it is of, else the sizes again.
    Derivative: that of the first result.
    """
    out = functional.embedding_bag(
        indices,
        weight,
        offsets,
        scale_grad_by_freq=scale_grad_by_freq,
        mode=_MODES[mode],
        sparse=sparse,
        per_sample_weights=per_sample_weights,
        include_last_offset=include_last_offset,
        padding_idx=padding_idx,
    )
    flat, bag, bags = _bags(indices, offsets, include_last_offset)
    padding = -1 if padding_idx is None else padding_idx % weight.shape[0]
    # Who is in which bag: [bags, indices].
    members = (bag == tapeless.arange(bags).unsqueeze(1)) & (flat != padding)
    sizes = members.sum(1)
    if mode < 2:
        return out, bag, sizes, sizes
    table = tapeless.where(members.unsqueeze(2), weight.detach().index_select(0, flat), -float("inf"))
    return out, bag, sizes, tapeless.where(sizes.unsqueeze(1) > 0, flat[table.argmax(1)], 0)


@composition("weight_norm_interface")
def _weight_norm_interface(v: Any, g: Any, dim: int) -> Any:
    return v * (g / norm_except_dim(v, 2, dim))


def _weight_norm(v: Any, g: Any, dim: int = 0) -> Any:
    """v scaled so that its norms over all dimensions but one are g.

    Derivative: that of v * (g / norm_except_dim(v, 2, dim)).
    """
    if dim in (0, v.dim() - 1):
        return _weight_norm_interface(v, g, dim)
    return v * (g / norm_except_dim(v, 2, dim))
