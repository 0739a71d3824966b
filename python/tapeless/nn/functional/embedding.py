# Tables looked up by number, and numbers as unit vectors.
"""Embeddings and one-hot vectors."""

from __future__ import annotations

import warnings
from typing import Any

import tapeless
from tapeless.composition import composition
from tapeless.nn.functional._checks import need_tensor

__all__ = ["bilinear", "embedding", "embedding_bag", "one_hot"]


def _padding_row(padding_idx: int | None, rows: int) -> int:
    if padding_idx is None:
        return -1
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx + rows if padding_idx < 0 else padding_idx


def _limit(weight: Any, index: Any, max_norm: float, norm_type: float) -> None:
    """Shortens the rows that are asked for, in place, to the greatest norm allowed."""
    from tapeless.autograd import no_grad

    with no_grad():
        rows = index.reshape(-1)
        taken = weight.index_select(0, rows)
        if norm_type == float("inf"):
            norm = taken.abs().amax(1, keepdim=True)
        else:
            norm = taken.abs().pow(norm_type).sum(1, keepdim=True).pow(1 / norm_type)
        weight[rows] = tapeless.where(norm > max_norm, taken * (max_norm / (norm + 1e-7)), taken)


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of weight that input names; with max_norm they are first shortened in place. See `torch.embedding`."""
    need_tensor("embedding", "indices", 2, input)
    need_tensor("embedding", "weight", 1, weight)
    if weight.dim() != 2:
        raise RuntimeError(f"'weight' must be 2-D, but has {weight.dim()} dimensions")
    padding = _padding_row(padding_idx, weight.shape[0])
    if max_norm is not None:
        _limit(weight, input, max_norm, norm_type)
    return tapeless.embedding(weight, input, padding, scale_grad_by_freq, sparse)


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """Sums, means or maxima of the rows of weight over bags: the rows of input, or runs of it that begin at offsets.

    Entries equal to padding_idx do not count; per_sample_weights multiply rows before a sum. Derivative: that of the
    rows' sum, mean or maximum.
    """
    need_tensor("embedding_bag", "input", 1, input)
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({tuple(per_sample_weights.shape)}) is not None, then it must have "
            f"the same shape as the input ({tuple(input.shape)})"
        )
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}')."
        )
    if sparse:
        warnings.warn("embedding_bag: sparse=True asks for a sparse gradient, which is dense here", stacklevel=2)
    padding = _padding_row(padding_idx, weight.shape[0])
    if max_norm is not None:
        _limit(weight, input, max_norm, norm_type)
    index, bag, bags = _bags(input, offsets, include_last_offset)
    scale = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    return _bag_node(weight, index, bag, bags, mode, scale, padding, scale_grad_by_freq)


def _bags(input: Any, offsets: Any, include_last: bool) -> tuple[Any, Any, int]:
    """The indices in a row, the bag of each, and how many bags there are."""
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        bags, length = input.shape
        bag = tapeless.arange(bags).unsqueeze(1).expand(bags, length).reshape(-1)
        return input.reshape(-1), bag, bags
    if input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    starts = offsets.to(tapeless.int64)
    if include_last:
        starts = starts[:-1]
    if starts.numel() and starts[0].item() != 0:
        raise RuntimeError(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {starts[0].item()}"
        )
    places = tapeless.arange(input.shape[0])
    bag = (places.unsqueeze(1) >= starts.unsqueeze(0)).sum(1) - 1
    return input, bag, starts.shape[0]


@composition("embedding_bag")
def _bag_node(
    weight: Any, index: Any, bag: Any, bags: int, mode: str, scale: Any, padding: int, by_frequency: bool
) -> Any:
    rows = tapeless.embedding(weight, index, padding, by_frequency)
    counted = None if padding < 0 else index != padding
    if mode == "max":
        return _largest(rows, bag, bags, counted)
    if scale is not None:
        rows = rows * scale.unsqueeze(1)
    if counted is not None:
        rows = tapeless.where(counted.unsqueeze(1), rows, 0)
    out = tapeless.zeros(bags, weight.shape[1], dtype=weight.dtype).index_add(0, bag, rows)
    if mode == "sum":
        return out
    ones = tapeless.ones(index.shape[0], dtype=weight.dtype) if counted is None else counted.to(weight.dtype)
    count = tapeless.zeros(bags, dtype=weight.dtype).index_add(0, bag, ones)
    return out / count.clamp(min=1).unsqueeze(1)


def _largest(rows: Any, bag: Any, bags: int, counted: Any) -> Any:
    """The largest of each bag, 0 of an empty one: members are seen as a table of bags by places."""
    if counted is not None:
        kept = counted.nonzero().reshape(-1)
        rows, bag = rows.index_select(0, kept), bag.index_select(0, kept)
    members = bag.unsqueeze(0) == tapeless.arange(bags).unsqueeze(1)
    if not rows.shape[0]:
        return tapeless.zeros(bags, rows.shape[1], dtype=rows.dtype)
    table = tapeless.where(members.unsqueeze(2), rows.unsqueeze(0), -float("inf"))
    best = table.max(1).values
    return tapeless.where(members.any(1, keepdim=True), best, 0)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """A new last dimension with a 1 at each class number and 0 elsewhere, int64. No derivative."""
    need_tensor("one_hot", "tensor", 1, tensor)
    if tensor.dtype is not tapeless.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor: write tensor.long()")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return tapeless.empty(*tensor.shape, num_classes, dtype=tapeless.int64)
    if tensor.min().item() < 0:
        raise RuntimeError("Class values must be non-negative.")
    largest = tensor.max().item()
    if num_classes == -1:
        num_classes = largest + 1
    elif num_classes <= 0:
        raise RuntimeError("num_classes should be positive")
    elif largest >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    out = tapeless.zeros(*tensor.shape, num_classes, dtype=tapeless.int64)
    return out.scatter_(-1, tensor.unsqueeze(-1), 1)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """x1 A x2 + b for each of the matrices A in weight [out, in1, in2]; the inputs' last dimensions are contracted."""
    need_tensor("bilinear", "input1", 1, input1)
    need_tensor("bilinear", "input2", 2, input2)
    need_tensor("bilinear", "weight", 3, weight)
    if input1.dim() != input2.dim():
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.dim()} and {input2.dim()}")
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}"
        )
    for at, x in ((1, input1), (2, input2)):
        if x.shape[-1] != weight.shape[at]:
            raise RuntimeError(
                f"bilinear(): input{at} size does not match weight size: got {x.shape[-1]} but expected "
                f"{weight.shape[at]}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {weight.shape[0]}"
        )
    lead = tuple(input1.shape[:-1])
    one, two = input1.reshape(-1, input1.shape[-1]), input2.reshape(-1, input2.shape[-1])
    out = _trilinear(one, weight, two).view(*lead, weight.shape[0])
    return out if bias is None else out + bias


@composition("trilinear")
def _trilinear(one: Any, weight: Any, two: Any) -> Any:
    """[n, i], [o, i, j] and [n, j] to [n, o]."""
    outs, first, second = weight.shape
    if not (one.is_floating_point() or one.is_complex()):
        return (one.view(-1, 1, first, 1) * weight.unsqueeze(0) * two.view(-1, 1, 1, second)).sum((2, 3)).to(one.dtype)
    half = one.matmul(weight.permute(1, 0, 2).reshape(first, outs * second)).view(-1, outs, second)
    return half.matmul(two.unsqueeze(2)).squeeze(2)
