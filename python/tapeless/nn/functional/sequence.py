# Losses of sequences.
"""ctc_loss with a reduction that is a word."""

from __future__ import annotations

from typing import Any

import tapeless
from tapeless.nn.functional._checks import REDUCTIONS, checked_reduction

__all__ = ["ctc_loss"]


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """The negative log-likelihood of labels under log_probs [T, N, C], or [T, C] of one example (Graves et al. 2006).

    A mean first divides each loss by its number of labels; zero_infinity drops examples without a possible path.
    Derivative: that of logits before log_softmax, as in PyTorch; there is no second one.
    """
    number = REDUCTIONS[checked_reduction(reduction, None, None)]
    return tapeless.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, number, zero_infinity)
