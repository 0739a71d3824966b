# Losses with a margin: rankings, embeddings, triplets and classes.
"""Losses that are 0 once values are far enough apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tapeless
from tapeless.composition import autocasts, composition
from tapeless.nn.functional._checks import REDUCTIONS, checked_reduction, need_tensor, reduced, refuse_dtype

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """input where the target is 1, max(margin - input, 0) where it is -1; 0 has both.

    Derivative: g, or -g where input is within the margin.
    """
    number = REDUCTIONS[checked_reduction(reduction, size_average, reduce)]
    return tapeless.hinge_embedding_loss(input, target, margin, number)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """max(margin - target * (input1 - input2), 0): a target of 1 wants input1 larger, -1 input2.

    Derivative: -target * g for input1, target * g for input2, where the loss is not 0.
    """
    number = REDUCTIONS[checked_reduction(reduction, size_average, reduce)]
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return tapeless.margin_ranking_loss(input1, input2, target, margin, number)


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """1 - cosine where the target is 1, max(cosine - margin, 0) where it is -1.

    Derivative: that of the cosine.
    """
    number = REDUCTIONS[checked_reduction(reduction, size_average, reduce)]
    return tapeless.cosine_embedding_loss(input1, input2, target, margin, number)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """max(margin + d(anchor, positive) - d(anchor, negative), 0) for the p-norm's distance d.

    `swap` takes the negative's distance to the positive where that is smaller (Balntas et al. 2016).
    Derivative: that of the distances.
    """
    number = REDUCTIONS[checked_reduction(reduction, size_average, reduce)]
    _check_margin(margin)
    return tapeless.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, number)


def _check_margin(margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """triplet_margin_loss with a distance of one's own. Derivative: that of the distance."""
    reduction = checked_reduction(reduction, None, None)
    _check_margin(margin)
    ranks = [x.dim() for x in (anchor, positive, negative)]
    if len(set(ranks)) != 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {ranks[0]}D, positive {ranks[1]}D, and negative {ranks[2]}D inputs"
        )
    distance = distance_function or tapeless.pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = tapeless.minimum(far, distance(positive, negative))
    return reduced((near + margin - far).clamp_min(0), reduction)


# --- Classes ---


@autocasts("float32")
def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The mean over the other classes of max(margin - input[target] + input[class], 0) ** p.

    Derivative: that of the hinge, to the target and to each class within the margin.
    """
    need_tensor("multi_margin_loss", "input", 1, input)
    need_tensor("multi_margin_loss", "target", 2, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported: multi_margin_loss was given {p}")
    if weight is not None and weight.dim() != 1:
        raise ValueError(f"weight must be one-dimensional: it has {weight.dim()} dimensions")
    if not input.is_floating_point():
        refuse_dtype("multi_margin_loss", "multi_margin_loss_forward_kernel", input)
    _check_classes("multi_margin_loss", input, target, weight)
    return _multi_margin_loss(input, target, p, margin, weight, reduction)


def _check_classes(function: str, input: Any, target: Any, weight: Any) -> None:
    rank = input.dim()
    if rank > 2 or input.numel() == 0 and (rank == 0 or input.shape[-1] == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    rows, classes = (input.shape[0] if rank == 2 else 1), (input.shape[-1] if rank else 1)
    if target.dim() > 1 or target.numel() != rows:
        raise RuntimeError(
            f"inconsistent target size: the target tensor should be 1-D with size equal to the rows. Expected "
            f"target size [{rows}], but got {list(target.shape)}"
        )
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < classes:
        raise RuntimeError(f"target out of range: {function} has classes 0 to {classes - 1}")


@composition("multi_margin_loss", saves=("self", "target", "weight"))
def _multi_margin_loss(input: Any, target: Any, p: int, margin: float, weight: Any, reduction: str) -> Any:
    rows = input.reshape(-1, input.shape[-1]) if input.dim() else input.reshape(1, 1)
    index = target.reshape(-1, 1)
    classes = rows.shape[1]
    gaps = (rows - rows.gather(1, index) + margin).clamp_min(0)
    if p == 2:
        gaps = gaps * gaps
    if weight is not None:
        gaps = gaps * weight[index]
    others = tapeless.arange(classes) != index
    loss = tapeless.where(others, gaps, 0.0).sum(1) / classes
    if reduction == "none" and input.dim() < 2:
        return loss.reshape(())
    return reduced(loss, reduction)


@autocasts("float32")
def multilabel_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The sum, over classes that are targets and classes that are not, of max(1 - input[one] + input[other], 0).

    A row's targets are class numbers up to the first -1; the sum is divided by the number of classes.
    Derivative: that of the hinge.
    """
    need_tensor("multilabel_margin_loss", "input", 1, input)
    need_tensor("multilabel_margin_loss", "target", 2, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    rank = input.dim()
    if rank > 2 or input.numel() == 0 and (rank == 0 or input.shape[-1] == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    if tuple(target.shape) != tuple(input.shape) and not (rank < 2 and target.numel() == input.numel()):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    if not input.is_floating_point():
        refuse_dtype("multilabel_margin_loss", "multilabel_margin_loss_forward_out_frame", input)
    classes = input.shape[-1] if rank else 1
    if target.numel() and not -1 <= int(target.min()) <= int(target.max()) < classes:
        raise RuntimeError(f"target is out of range: classes run from 0 to {classes - 1}, and -1 ends a row")
    return _multilabel_margin_loss(input, target, reduction)


@composition("multilabel_margin_loss")
def _multilabel_margin_loss(input: Any, target: Any, reduction: str) -> Any:
    classes = input.shape[-1] if input.dim() else 1
    rows, index = input.reshape(-1, classes), target.reshape(-1, classes)
    ends = index < 0
    first = tapeless.where(ends.any(1), ends.to(tapeless.int64).argmax(1), classes)
    listed = tapeless.arange(classes) < first.unsqueeze(1)
    index = tapeless.where(listed, index, 0)
    is_target = tapeless.zeros_like(index).scatter_add(1, index, listed.to(tapeless.int64)) > 0
    gaps = (rows.unsqueeze(1) - rows.gather(1, index).unsqueeze(2) + 1.0).clamp_min(0)
    counted = listed.unsqueeze(2) & ~is_target.unsqueeze(1)
    loss = tapeless.where(counted, gaps, 0.0).sum((1, 2)) / classes
    if reduction == "none" and input.dim() < 2:
        return loss.reshape(())
    return reduced(loss, reduction)
