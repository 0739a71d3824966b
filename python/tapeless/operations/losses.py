# Losses that the namespace has besides nn.functional, with the reduction as a number: 0 none, 1 mean, 2 sum.
"""Losses with a reduction that is a number; left out it is 0, as in PyTorch, where nn.functional means the mean."""

from __future__ import annotations

from typing import Any

from tapeless import _core
from tapeless._core import Tensor
from tapeless.composition import autocasts
from tapeless.operations.distances import pairwise_distance

__all__ = [
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "kl_div",
    "margin_ranking_loss",
    "triplet_margin_loss",
]
METHODS = ()

_f = _core.functions
_nn = _core.nn_functions
_where = _f["where"]


def reduced(loss: Tensor, reduction: int) -> Tensor:
    """By PyTorch's numbers."""
    return loss.mean() if reduction == 1 else loss.sum() if reduction == 2 else loss


@autocasts("float32")
def kl_div(input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False) -> Tensor:
    """target * (log(target) - input), or of a target's logarithm. Derivative: -target * g."""
    return reduced(_nn["divergence_of_log" if log_target else "divergence"](input, target), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Any = None, pos_weight: Any = None, reduction: int = 0
) -> Tensor:
    """The cross entropy of sigmoid(input) with a target. Derivative: (sigmoid(input) - target) * g."""
    return _nn["binary_cross_entropy_with_logits"](input, target, weight, pos_weight, reduction)


@autocasts("float32")
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0) -> Tensor:
    """input where the target is 1, max(margin - input, 0) where it is -1. Derivative: g, or -g within the margin."""
    apart = _where(target != 1, (margin - input).clamp_min(0), 0.0)
    return reduced(apart + _where(target != -1, input, 0.0), reduction)


@autocasts("float32")
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """max(margin - target * (input1 - input2), 0). Derivative: -target * g and target * g where it is not 0."""
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


@autocasts("float32")
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """1 - cosine where the target is 1, max(cosine - margin, 0) where it is -1. Derivative: that of the cosine."""
    rank = target.dim()
    if rank > 1:
        raise RuntimeError(
            f"0D or 1D target tensor expected, multi-target not supported: cosine_embedding_loss was given {rank}D"
        )
    if input1.dim() != rank + 1 or input2.dim() != rank + 1:
        raise RuntimeError(
            f"{rank}D target tensor expects {rank + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    product = (input1 * input2).sum(rank)
    squares = ((input1 * input1).sum(rank) + 1e-12) * ((input2 * input2).sum(rank) + 1e-12)
    cosine = product / squares.sqrt()
    alike = _where(target == 1, 1 - cosine, 0.0)
    return reduced(alike + _where(target == -1, (cosine - margin).clamp_min(0), 0.0), reduction)


@autocasts("float32")
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Tensor:
    """max(margin + d(anchor, positive) - d(anchor, negative), 0). Derivative: that of the distances."""
    ranks = [x.dim() for x in (anchor, positive, negative)]
    if len(set(ranks)) != 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {ranks[0]}D, positive {ranks[1]}D, and negative {ranks[2]}D inputs"
        )
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = _f["minimum"](far, pairwise_distance(positive, negative, p, eps))
    return reduced((near + margin - far).clamp_min(0), reduction)
