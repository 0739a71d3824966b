# Losses of sequences: connectionist temporal classification.
"""ctc_loss, whose recursions are the core's."""

from __future__ import annotations

from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = ["ctc_loss"]
METHODS = ()

_WHERE = "(while checking arguments for ctc_loss)"


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """The negative log-likelihood of labels under log_probs [T, N, C], or [T, C] of one example (Graves et al. 2006).

    Labels are [N, S], or all of them one after another. A mean first divides each loss by its number of labels.
    Derivative: that of logits before log_softmax, as in PyTorch; there is no second one.
    """
    alone = log_probs.dim() == 2
    if alone:
        log_probs = log_probs.unsqueeze(1)
        targets = targets.unsqueeze(0) if targets.dim() == 1 else targets
    if log_probs.dim() != 3:
        raise RuntimeError(f"Expected 3-dimensional tensor, but got {log_probs.dim()}-dimensional log_probs {_WHERE}")
    if not log_probs.is_floating_point() or log_probs.dtype in (_core.float16, _core.bfloat16):
        name = {"float16": "Half", "bfloat16": "BFloat16", "int64": "Long"}.get(str(log_probs.dtype)[6:], "Other")
        raise NotImplementedError(
            f"\"ctc_loss_cpu\" not implemented for '{name}': log_probs are float32 or float64; write log_probs.float()"
        )
    times, batch, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range: {blank} is not among {classes} classes")
    lengths = _lengths("input_lengths", input_lengths, batch, times)
    counts = _lengths("target_lengths", target_lengths, batch, None)
    labels = _labels(targets, counts, classes)
    losses = _core.nn_functions["ctc_loss"](log_probs, labels, lengths, counts, blank, zero_infinity)
    if zero_infinity:
        losses = _core.functions["where"](losses == float("inf"), 0.0, losses)
    if reduction == 1:
        from tapeless import tensor

        return (losses / tensor([max(count, 1) for count in counts], dtype=losses.dtype)).mean()
    return losses.sum() if reduction == 2 else losses.squeeze(0) if alone else losses


def _lengths(name: str, given: Any, batch: int, most: int | None) -> list[int]:
    if isinstance(given, Tensor):
        if given.is_floating_point():
            raise RuntimeError(f"{name} must be integral: write {name}.long()")
        given = given.reshape(-1).tolist()
    lengths = list(given)
    if len(lengths) != batch:
        raise RuntimeError(f"{name} must be of size batch_size: {len(lengths)} are given for {batch} examples")
    for length in lengths:
        if length < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {length} {_WHERE}")
        if most is not None and length > most:
            raise RuntimeError(f"Expected {name} to have value at most {most}, but got value {length} {_WHERE}")
    return lengths


def _labels(targets: Tensor, counts: list[int], classes: int) -> Tensor:
    """The labels as int64 in one of their two forms, of which every one that counts is a class."""
    labels = targets.detach().to(_core.int64)
    if labels.dim() == 2:
        most = max(counts, default=0)
        if labels.shape[0] != len(counts) or labels.shape[1] < most:
            raise RuntimeError(
                f"Expected tensor to have size at least {most} at dimension 1, but got size {labels.shape[1]} for "
                f"argument #2 'targets' {_WHERE}"
            )
        labels = labels.contiguous()
    else:
        labels = labels.reshape(-1)
        if labels.shape[0] != sum(counts):
            raise RuntimeError(
                f"Expected tensor to have size {sum(counts)} at dimension 0, but got size {labels.shape[0]} for "
                f"argument #2 'targets' {_WHERE}"
            )
    # In a padded row what is behind an example's labels may be anything.
    used = [labels[b, :count] for b, count in enumerate(counts)] if labels.dim() == 2 else [labels]
    for own in used:
        if own.numel() and not 0 <= int(own.min()) <= int(own.max()) < classes:
            raise RuntimeError(f"ctc_loss: a label is not among the classes 0 to {classes - 1}")
    return labels
