# Functions of torch.nn.functional, written as compositions of primitive operations.
"""Activations, linear maps and losses.

A function under `@composition("gelu")` is one node of the graph, `GeluBackward0`, whose inside is
what its body records; half types are computed in float32 and rounded once; `saves` names what the
node keeps. Functions without the decorator only choose among others, and add no node of their own.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import tapeless
from tapeless.composition import composition

_SQRT_HALF = math.sqrt(0.5)
_SQRT_2_OVER_PI = math.sqrt(2.0 / math.pi)

# How PyTorch's messages spell a dtype.
_SPELLED = {
    "bool": "Bool",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "float32": "Float",
    "float64": "Double",
    "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
}


def _spelled(tensor: Any) -> str:
    name = str(tensor.dtype).rpartition(".")[2]
    return _SPELLED.get(name, name)


def _need_tensor(function: str, argument: str, position: int, value: Any) -> None:
    """Raises PyTorch's TypeError where `value` is not a tensor."""
    if not isinstance(value, tapeless.Tensor):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be Tensor, "
            f"not {type(value).__name__}"
        )


def _refuse_dtype(function: str, kernel: str, tensor: Any) -> None:
    raise NotImplementedError(
        f"\"{kernel}\" not implemented for '{_spelled(tensor)}': {function} needs a real floating "
        "dtype; convert first, for example with input.float()"
    )


# --- activations ---


@composition("gelu", saves=("self",))
def gelu(input: Any, *, approximate: str = "none") -> Any:
    """x * P(Z <= x) for a standard normal Z; `approximate="tanh"` is the cheaper tanh form."""
    if not isinstance(input, tapeless.Tensor) or not input.is_floating_point():
        _need_tensor("gelu", "input", 1, input)
        _refuse_dtype("gelu", "GeluKernelImpl", input)
    if approximate == "none":
        return (input * 0.5) * ((input * _SQRT_HALF).erf() + 1.0)
    if approximate == "tanh":
        inner = (input * input * 0.044715 + 1.0) * (input * _SQRT_2_OVER_PI)
        return (input * 0.5) * (inner.tanh() + 1.0)
    raise RuntimeError(
        f"approximate argument must be either none or tanh. Got approximate={approximate!r}; "
        'write gelu(input) or gelu(input, approximate="tanh").'
    )


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0), in place on request."""
    return tapeless.relu_(input) if inplace else tapeless.relu(input)


def sigmoid(input: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return input.sigmoid()


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return input.tanh()


# --- softmax ---


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along `dim`, computed in `dtype` where one is given."""
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return tapeless.softmax(input, dim, dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """x - log(sum(exp(x))) along `dim`, computed in `dtype` where one is given."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return tapeless.log_softmax(input, dim, dtype)


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. "
        "Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


# --- linear ---


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias, for an input of any number of dimensions."""
    _need_tensor("linear", "input", 1, input)
    _need_tensor("linear", "weight", 2, weight)
    ndim, weight_ndim = input.dim(), weight.dim()
    if ndim == 0 or weight_ndim == 0:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {ndim}D and {weight_ndim}D"
        )
    if bias is None:
        return input.matmul(weight.t())
    _need_tensor("linear", "bias", 3, bias)
    if bias.dtype is not weight.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {_spelled(bias)} and "
            f"{_spelled(weight)}: linear's bias and weight differ; convert one of them"
        )
    if ndim == 2:
        return tapeless.addmm(bias, input, weight.t())
    if bias.dim() == 1 and weight_ndim == 2 and input.is_contiguous():
        shape = tuple(input.shape)
        flat = input.view(math.prod(shape[:-1]), shape[-1])
        return tapeless.addmm(bias, flat, weight.t()).view(*shape[:-1], weight.shape[0])
    return input.matmul(weight.t()) + bias


# --- cross entropy ---

_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


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
    _need_tensor("cross_entropy_loss", "input", 1, input)
    _need_tensor("cross_entropy_loss", "target", 2, target)
    reduction = _checked_reduction(reduction, size_average, reduce)
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
    _need_tensor("nll_loss", "input", 1, input)
    _need_tensor("nll_loss", "target", 2, target)
    reduction = _checked_reduction(reduction, size_average, reduce)
    return _nll_loss(input, target, weight, ignore_index, reduction)


def _checked_reduction(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """What is asked for, by either spelling; ValueError for another word."""
    if size_average is not None or reduce is not None:
        reduction = _legacy_reduction(size_average, reduce)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def _legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    average = size_average is None or size_average
    name = "none" if reduce is not None and not reduce else "mean" if average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.",
        stacklevel=4,
    )
    return name


def _nll_loss(log_probs: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """Brings a target of any shape to one of the two nodes that PyTorch has."""
    ndim = log_probs.dim()
    if ndim == 0:
        raise ValueError(f"Expected 1 or more dimensions (got {ndim})")
    if ndim != 1:
        rows = target.shape[0] if target.dim() else 0
        if log_probs.shape[0] != rows:
            raise ValueError(
                f"Expected input batch_size ({log_probs.shape[0]}) to match target batch_size ({rows})."
            )
    if ndim <= 2:
        _check_classes(log_probs, target, weight)
        return tapeless._nll_loss(log_probs, target, weight, _REDUCTIONS[reduction], ignore_index)
    shape = tuple(log_probs.shape)
    wanted = (shape[0], *shape[2:])
    if ndim == 4:
        _check_images(log_probs, target, weight)
        return tapeless._nll_loss(log_probs, target, weight, _REDUCTIONS[reduction], ignore_index)
    if tuple(target.shape) != wanted:
        raise RuntimeError(f"Expected target size {list(wanted)}, got {list(target.shape)}")
    points = math.prod(shape[2:])
    flat = log_probs.reshape(shape[0], shape[1], 1, points)
    flat_target = target.reshape(shape[0], 1, points)
    _check_images(flat, flat_target, weight)
    loss = tapeless._nll_loss(flat, flat_target, weight, _REDUCTIONS[reduction], ignore_index)
    return loss.view(wanted) if reduction == "none" else loss


def _check_target_dtype(target: Any) -> None:
    if target.dtype is not tapeless.int64 and target.dtype is not tapeless.uint8:
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {_spelled(target)}: cross_entropy "
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
            f"expected scalar type {_spelled(log_probs)} but found {_spelled(weight)}: the weight "
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
            "only batches of spatial targets supported (3D tensors) but got targets of dimension: "
            f"{target.dim()}"
        )
    if weight is not None:
        _check_weight(log_probs, weight, "weight tensor should be defined either for all or no classes")
    given, wanted = tuple(log_probs.shape), tuple(target.shape)
    if (given[0], *given[2:]) != wanted:
        raise RuntimeError(f"size mismatch (got input: {list(given)} , target: {list(wanted)}")


def _smoothed_loss(
    input: Any, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float
) -> Any:
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
            f"{_spelled(target)}: class numbers need one dimension less than the input"
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
