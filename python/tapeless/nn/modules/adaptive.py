# Softmax over many classes, in clusters by how frequent they are (Grave et al. 2017).
"""AdaptiveLogSoftmaxWithLoss."""

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import tapeless
from tapeless.nn import functional as F
from tapeless.nn.modules.container import ModuleList, Sequential
from tapeless.nn.modules.linear import Linear
from tapeless.nn.modules.module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of n_classes classes, sorted by frequency, of which `cutoffs` are the clusters' bounds.

    The head knows the first cutoffs[0] classes and one entry for each further cluster, whose classes are told apart
    by a narrower product, div_value times narrower from cluster to cluster.
    """

    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    head: Linear
    tail: ModuleList

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        rising = cutoffs == sorted(cutoffs) and len(set(cutoffs)) == len(cutoffs)
        whole = all(int(cut) == cut for cut in cutoffs)
        if not rising or not whole or min(cutoffs) <= 0 or max(cutoffs) > n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                "value is between 1 and n_classes-1"
            )
        made = {"device": device, "dtype": dtype}
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for at in range(self.n_clusters):
            width = int(in_features // div_value ** (at + 1))
            size = self.cutoffs[at + 1] - self.cutoffs[at]
            narrow = Linear(in_features, width, bias=False, **made)
            self.tail.append(Sequential(narrow, Linear(width, size, bias=False, **made)))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for narrow, wide in self.tail:
            narrow.reset_parameters()
            wide.reset_parameters()

    def forward(self, input_: Any, target_: Any) -> Any:
        """The log-probability of each target, (N), and minus their mean; input (N, in_features), target (N).

        One example without a batch dimension, (in_features) and (), gives a scalar. RuntimeError for other shapes and
        for targets that are no class.
        """
        batched = target_.dim() > 0
        if batched and input_.size(0) != target_.size(0):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if target_.dim() > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if input_.dim() != target_.dim() + 1:
            raise RuntimeError(
                f"{target_.dim()}D target tensor expects {target_.dim() + 1}D input tensors, but found inputs with "
                f"size {tuple(input_.shape)}."
            )
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        output = self._log_probability(input, target)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _log_probability(self, input: Any, target: Any) -> Any:
        """Cluster by cluster: its members' products alone are computed."""
        output = input.new_zeros(target.size(0))
        entry = target.clone()
        found = 0
        for at, (low, high) in enumerate(zip([0, *self.cutoffs[:-1]], self.cutoffs, strict=True)):
            rows = ((target >= low) & (target < high)).nonzero().reshape(-1)
            if rows.numel() == 0:
                continue
            found += rows.numel()
            if at > 0:
                own = F.log_softmax(self.tail[at - 1](input.index_select(0, rows)), dim=1)
                local = own.gather(1, (target[rows] - low).unsqueeze(1)).squeeze(1)
                output = output.index_copy(0, rows, local)
                entry = entry.index_fill(0, rows, self.shortlist_size + at - 1)
        if found != target.size(0):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        head = F.log_softmax(self.head(input), dim=1)
        return output + head.gather(1, entry.unsqueeze(1)).squeeze()

    def _get_full_log_prob(self, input: Any, head_output: Any) -> Any:
        """(N, n_classes), from the head's products."""
        head = F.log_softmax(head_output, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for at, tail in enumerate(self.tail):
            entry = head[:, self.shortlist_size + at]
            parts.append(F.log_softmax(tail(input), dim=1) + entry.unsqueeze(1))
        return tapeless.cat(parts, 1)

    def log_prob(self, input: Any) -> Any:
        """The log-probabilities of all classes, (N, n_classes)."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Any) -> Any:
        """The most probable class of each example, (N); clusters that cannot win are not computed."""
        head = self.head(input)
        output = head.argmax(dim=1)
        in_tail = output >= self.shortlist_size
        if not in_tail.any():
            return output
        if in_tail.all():
            return self._get_full_log_prob(input, head).argmax(dim=1)
        output[in_tail] = self._get_full_log_prob(input[in_tail], head[in_tail]).argmax(dim=1)
        return output
