# Losses that compare input and target element by element.
"""Losses of pairs of numbers: of regression, of probabilities and logits, of distributions and counts.

The ones that programs call often are operations of the core, one node and one pass; the rest are written out here.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import tapeless
from tapeless.composition import autocasts
from tapeless.nn.functional._checks import REDUCTIONS, checked_reduction, need_tensor, reduced

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "multilabel_soft_margin_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
]

_nn = tapeless._nn


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """(input - target) ** 2, weighted and reduced; a weighted mean divides by the weights' sum.

    Derivative: 2 * (input - target) * g.
    """
    input, target = _pair("mse_loss", input, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    if weight is None:
        return _nn.mse_loss(input, target, REDUCTIONS[reduction])
    difference = input - target
    return _weighted(difference * difference, weight, input, reduction)


@autocasts("float32")
def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """|input - target|, weighted and reduced; a weighted mean divides by the weights' sum.

    Derivative: the sign of input - target, 0 where they are equal.
    """
    input, target = _pair("l1_loss", input, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    distance = (input - target).abs()
    return reduced(distance, reduction) if weight is None else _weighted(distance, weight, input, reduction)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """|input - target| less beta / 2, and its square over 2 * beta where it is below beta (Girshick 2015).

    Derivative: (input - target) / beta, limited to [-1, 1].
    """
    input, target = _pair("smooth_l1_loss", input, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    if beta == 0.0:
        return reduced((input - target).abs(), reduction)
    return _nn.smooth_l1_loss(input, target, REDUCTIONS[reduction], beta)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """Half the square of input - target, which goes on straight beyond delta (Huber 1964).

    Derivative: input - target, limited to [-delta, delta].
    """
    input, target = _pair("huber_loss", input, target)
    number = REDUCTIONS[checked_reduction(reduction, None, None)]
    if weight is None:
        return _nn.huber_loss(input, target, number, delta)
    _check_weight(weight, input)
    return reduced(_nn.huber_loss(input, target, 0, delta) * weight, reduction)


def _pair(function: str, input: Any, target: Any) -> tuple[Any, Any]:
    """Both at one size, with a warning where broadcasting had to make it so."""
    need_tensor(function, "input", 1, input)
    need_tensor(function, "target", 2, target)
    if input.shape == target.shape:
        return input, target
    warnings.warn(
        f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely "
        "lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        stacklevel=3,
    )
    return tapeless.broadcast_tensors(input, target)


def _check_weight(weight: Any, input: Any) -> None:
    if weight.shape != input.shape:
        raise ValueError(
            f"Weights and input must have the same size. They are {list(weight.shape)} and {list(input.shape)}; "
            "write weight.expand_as(input)"
        )


def _weighted(loss: Any, weight: Any, input: Any, reduction: str) -> Any:
    _check_weight(weight, input)
    loss = loss * weight
    return loss.sum() / weight.sum() if reduction == "mean" else reduced(loss, reduction)


# --- Probabilities and logits ---


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """-(target * log(input) + (1 - target) * log(1 - input)) of probabilities, each logarithm at least -100.

    Derivative: (input - target) / (input * (1 - input)) * g, where the divisor is at least 1e-12.
    """
    need_tensor("binary_cross_entropy", "input", 1, input)
    need_tensor("binary_cross_entropy", "target", 2, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(tapeless.broadcast_shapes(target.shape, weight.shape))
    return _nn.binary_cross_entropy(input, target, weight, REDUCTIONS[reduction])


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """binary_cross_entropy of sigmoid(input), without overflow; pos_weight multiplies the loss of positives.

    Derivative: (sigmoid(input) - target) * g, where there is no pos_weight.
    """
    need_tensor("binary_cross_entropy_with_logits", "input", 1, input)
    need_tensor("binary_cross_entropy_with_logits", "target", 2, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    return _nn.binary_cross_entropy_with_logits(input, target, weight, pos_weight, REDUCTIONS[reduction])


def soft_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """log(1 + exp(-target * input)) for targets of 1 and -1.

    Derivative: -target * sigmoid(-target * input) * g.
    """
    need_tensor("soft_margin_loss", "input", 1, input)
    need_tensor("soft_margin_loss", "target", 2, target)
    reduction = checked_reduction(reduction, size_average, reduce)
    return _nn.soft_margin_loss(input, target, REDUCTIONS[reduction])


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """binary_cross_entropy_with_logits, weighted by class and averaged over the last dimension.

    Derivative: that of its parts.
    """
    reduction = checked_reduction(reduction, size_average, reduce)
    logsigmoid = _nn.logsigmoid
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.sum(input.dim() - 1) / input.shape[-1], reduction)


# --- Distributions and counts ---


def kl_div(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """target * (log(target) - input), where input is log-probabilities: the divergence of Kullback and Leibler (1951).

    "batchmean" divides by the first dimension alone, which is the divergence itself. Derivative: -target * g.
    """
    need_tensor("kl_div", "input", 1, input)
    need_tensor("kl_div", "target", 2, target)
    if reduction == "mean" and size_average is None and reduce is None:
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    batch = reduction == "batchmean"
    kind = checked_reduction("sum" if batch else reduction, size_average, reduce)
    loss = tapeless.kl_div(input, target, REDUCTIONS[kind], log_target=log_target)
    return loss / input.shape[0] if batch and input.dim() else loss


@autocasts("float32")
def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """exp(input) - target * input, or input - target * log(input + eps); full adds Stirling's term for log(target!).

    Derivative: that of its parts.
    """
    reduction = checked_reduction(reduction, size_average, reduce)
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        term = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + term.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """(log(var) + (input - target) ** 2 / var) / 2, with var at least eps: of a normal distribution of that variance.

    full adds log(2 pi) / 2. Derivative: that of its parts; var's passes the lower bound.
    """
    if isinstance(var, float):
        if var < 0:
            raise ValueError(f"var has negative entry/entries: {var}")
        var = tapeless.full_like(input, var)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        var = _aligned_variance(var, input)
    reduction = checked_reduction(reduction, None, None)
    var = var.clone()
    with tapeless.no_grad():
        var.clamp_(min=eps)
    loss = (var.log() + (input - target) ** 2 / var) * 0.5
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def _aligned_variance(var: Any, input: Any) -> Any:
    """A variance for each row, or one dimension of size 1."""
    given, wanted = tuple(var.shape), tuple(input.shape)
    if given == wanted[:-1]:
        return var.unsqueeze(-1)
    differing = [size for size, other in zip(given, wanted, strict=False) if size != other]
    if len(given) != len(wanted) or sum(differing) != 1:
        raise ValueError(
            f"var is of incorrect size: {list(given)} for an input of {list(wanted)}; it needs the input's size, "
            "or one without the last dimension, or with a 1 in place of one"
        )
    return var
