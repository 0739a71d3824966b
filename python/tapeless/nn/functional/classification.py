# Losses of classes: cross entropy of numbers and of probabilities, and nll_loss.
"""Losses of classes."""

from __future__ import annotations

import math
from typing import Any

import tapeless
from tapeless.composition import autocasts, composition
from tapeless.nn.functional._checks import REDUCTIONS, checked_reduction, need_tensor, spelled
from tapeless.nn.functional.linear import linear

__all__ = ["cross_entropy", "linear_cross_entropy", "nll_loss"]


@autocasts("float32")
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-log softmax(input) at the target: class numbers [N, ...], or probabilities [N, C, ...]."""
    need_tensor("cross_entropy_loss", "input", 1, input)
    need_tensor("cross_entropy_loss", "target", 2, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    if label_smoothing > 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    ndim = input.dim()
    # Equal shapes mean probabilities; a class target always has one dimension less.
    if target.dim() == ndim and target.shape == input.shape:
        return _loss_of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    if label_smoothing > 0.0:
        return _smoothed_loss(input, target, weight, ignore_index, reduction, label_smoothing)
    log_probs = tapeless.log_softmax(input, 0 if ndim == 1 else 1)
    return _nll_loss(log_probs, target, weight, ignore_index, reduction)


def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Any:
    """cross_entropy of input @ linear_weight.T + linear_bias: [N, in], [C, in] or [C, ..., in], and targets of those.

    options, which tell PyTorch how to cut the product into pieces, change nothing. Derivative: that of the two steps.
    """
    features = linear_weight.shape[-1]
    if input.shape[-1] != features:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {features}, respectively"
        )
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight.reshape(-1, features), bias)
    logits = logits.view(*input.shape[:-1], *linear_weight.shape[:-1])
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing
    )


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """-input at the target: log-probabilities [N, C, ...] and class numbers [N, ...]."""
    need_tensor("nll_loss", "input", 1, input)
    need_tensor("nll_loss", "target", 2, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    return _nll_loss(input, target, weight, ignore_index, reduction)


def _nll_loss(log_probs: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """Brings a target of any shape to one of the two nodes that PyTorch has."""
    ndim = log_probs.dim()
    if ndim == 0:
        raise ValueError(f"Expected 1 or more dimensions (got {ndim})")
    if ndim != 1:
        rows = target.shape[0] if target.dim() else 0
        if log_probs.shape[0] != rows:
            raise ValueError(f"Expected input batch_size ({log_probs.shape[0]}) to match target batch_size ({rows}).")
    if ndim <= 2:
        _check_classes(log_probs, target, weight)
        return tapeless._nn.nll_loss(log_probs, target, weight, REDUCTIONS[reduction], ignore_index)
    shape = tuple(log_probs.shape)
    wanted = (shape[0], *shape[2:])
    if ndim == 4:
        _check_images(log_probs, target, weight)
        return tapeless._nn.nll_loss(log_probs, target, weight, REDUCTIONS[reduction], ignore_index)
    if tuple(target.shape) != wanted:
        raise RuntimeError(f"Expected target size {list(wanted)}, got {list(target.shape)}")
    points = math.prod(shape[2:])
    flat = log_probs.reshape(shape[0], shape[1], 1, points)
    flat_target = target.reshape(shape[0], 1, points)
    _check_images(flat, flat_target, weight)
    loss = tapeless._nn.nll_loss(flat, flat_target, weight, REDUCTIONS[reduction], ignore_index)
    return loss.view(wanted) if reduction == "none" else loss


def _check_target_dtype(target: Any) -> None:
    if target.dtype is not tapeless.int64 and target.dtype is not tapeless.uint8:
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {spelled(target)}: cross_entropy "
            "needs class numbers; write target.long(), or give probabilities in the input's shape"
        )


def _check_weight(log_probs: Any, weight: Any, sentence: str) -> None:
    if weight.requires_grad and tapeless.is_grad_enabled():
        raise RuntimeError(
            "The function 'nll_loss_forward' is not differentiable with respect to argument "
            "'weight'. This input cannot have requires_grad True."
        )
    classes = log_probs.shape[0 if log_probs.dim() == 1 else 1]
    if weight.dim() != 1 or weight.shape[0] != classes:
        raise RuntimeError(sentence.format(classes=classes, given=list(weight.shape)))
    if weight.dtype is not log_probs.dtype:
        raise RuntimeError(
            f"expected scalar type {spelled(log_probs)} but found {spelled(weight)}: the weight "
            "of cross_entropy needs the input's dtype"
        )


def _check_classes(log_probs: Any, target: Any, weight: Any) -> None:
    """What PyTorch asks of [N, C] or [C] with a target of class numbers."""
    _check_target_dtype(target)
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if log_probs.dim() == 1 and target.dim() == 1 and target.shape[0] != 1:
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.shape[0]}")
    if weight is not None:
        _check_weight(
            log_probs,
            weight,
            "weight tensor should be defined either for all {classes} classes or no classes but "
            "got weight tensor of shape: {given}",
        )


def _check_images(log_probs: Any, target: Any, weight: Any) -> None:
    """What PyTorch asks of [N, C, H, W] with a target of class numbers."""
    _check_target_dtype(target)
    if target.dim() != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {target.dim()}"
        )
    if weight is not None:
        _check_weight(log_probs, weight, "weight tensor should be defined either for all or no classes")
    given, wanted = tuple(log_probs.shape), tuple(target.shape)
    if (given[0], *given[2:]) != wanted:
        raise RuntimeError(f"size mismatch (got input: {list(given)} , target: {list(wanted)}")


def _smoothed_loss(input: Any, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float) -> Any:
    """A share of the target's mass is spread evenly over the classes."""
    dim = 0 if input.dim() == 1 else 1
    classes = input.shape[dim]
    log_probs = tapeless.log_softmax(input, dim)
    exact = _nll_loss(log_probs, target, weight, ignore_index, reduction)
    if weight is None:
        spread = -log_probs.sum(dim)
    else:
        spread = -(log_probs * _along(weight, dim, input.dim())).sum(dim)
    counted = target != ignore_index
    spread = tapeless.where(counted, spread, 0.0)
    if reduction == "sum":
        spread = spread.sum()
    elif reduction == "mean":
        spread = spread.sum() / _total(weight, target, counted)
    return exact * (1.0 - smoothing) + spread * (smoothing / classes)


def _total(weight: Any, target: Any, counted: Any) -> Any:
    """What a mean divides by: the weights of the targets that count, or their number."""
    if weight is None:
        return counted.sum()
    index = tapeless.where(counted, target.to(tapeless.int64), 0).reshape(-1)
    return tapeless.where(counted.reshape(-1), weight.index_select(0, index), 0.0).sum()


def _along(weight: Any, dim: int, ndim: int) -> Any:
    return weight.view([-1 if at == dim else 1 for at in range(ndim)])


def _loss_of_probabilities(
    input: Any, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float
) -> Any:
    if not target.is_floating_point():
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{spelled(target)}: class numbers need one dimension less than the input"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    dim = 0 if input.dim() == 1 else 1
    classes = input.shape[dim]
    if weight is not None and (weight.dim() != 1 or weight.shape[0] != classes):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or "
            f"no classes but got weight tensor of shape: {list(weight.shape)}"
        )
    log_probs = tapeless.log_softmax(input, dim)
    if smoothing > 0.0:
        target = target * (1.0 - smoothing) + smoothing / classes
    terms = log_probs * target
    if weight is not None:
        terms = terms * _along(weight, dim, input.dim())
    if reduction == "none":
        return -terms.sum(dim)
    total = -terms.sum()
    if reduction == "sum":
        return total
    numel = input.numel()
    # An empty batch has no mean; PyTorch answers nan.
    return _share_node(total, numel / classes) if numel else -(total * math.nan)


@composition("div", overload=1)
def _share_node(total: Any, count: float) -> Any:
    """A quotient under the name that it has where PyTorch divides in C++."""
    return total / count
