"""Automatic differentiation: gradients, modes, hooks, and functions with their own derivative."""

from collections.abc import Sequence
from typing import Any

from tapeless import _core
from tapeless.autograd import anomaly_mode, function, grad_mode, graph, variable
from tapeless.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
from tapeless.autograd.function import Function
from tapeless.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from tapeless.autograd.gradcheck import gradcheck, gradgradcheck
from tapeless.autograd.variable import Variable

__all__ = [
    "Function",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "variable",
]


def _as_sequence(targets: Any) -> Sequence[Any]:
    """A single tensor or edge counts as a sequence of one."""
    if isinstance(targets, (_core.Tensor, graph.GradientEdge)):
        return (targets,)
    return targets


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradient of `tensors` to the `.grad` of the leaves behind them.

    `grad_tensors` weighs the tensors (None: 1 for a scalar). With `inputs`, only the `.grad` of
    these is filled. `retain_graph` defaults to `create_graph`.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both "
                "passed to `backward()`. Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    if inputs is not None:
        inputs = _as_sequence(inputs)
        if len(inputs) == 0:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        inputs = tuple(inputs)
    if retain_graph is None:
        retain_graph = create_graph
    _core.run_backward(_as_sequence(tensors), grad_tensors, retain_graph, create_graph, inputs, True, True)


def _zeros_for(targets: Sequence[Any], gradients: Sequence[Any]) -> tuple[Any, ...]:
    """The gradients, with zeros where none arrived."""
    filled = []
    for target, g in zip(targets, gradients, strict=True):
        if g is None and isinstance(target, graph.GradientEdge):
            raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
        filled.append(target.detach().clone().zero_() if g is None else g)
    return tuple(filled)


def _batched(outputs: Any, weights: Any, retain: bool, create: bool, targets: Any, unused: bool, into: bool) -> Any:
    """The gradients of each of a batch of weights, stacked; a graph is used as often as there are weights."""
    weights = _as_sequence(weights)
    count = {len(w) for w in weights if w is not None}
    if len(count) != 1 or 0 in count:
        raise RuntimeError("is_grads_batched: each of grad_outputs needs the same first dimension, that of a batch")
    (count,) = count
    rows = [
        _core.run_backward(
            outputs,
            tuple(None if w is None else w[i] for w in weights),
            retain or i + 1 < count,
            create,
            targets,
            unused,
            into,
        )
        for i in range(count)
    ]
    # Whether a gradient arrives does not depend on the weights.
    return tuple(
        None if rows[0][at] is None else _core.functions["stack"]([row[at] for row in rows])
        for at in range(len(targets))
    )


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of `outputs` with respect to `inputs`, as a tuple (a dict for a dict).

    `grad_outputs` weighs the outputs (None: 1 for a scalar). An input that the outputs do not
    depend on raises, unless `allow_unused` (None) or `materialize_grads` (zeros) is given. With `is_grads_batched`,
    `grad_outputs` have a first dimension of weights, and so have the gradients.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    keys = tuple(inputs) if isinstance(inputs, dict) else None
    targets = tuple(inputs.values()) if keys is not None else tuple(_as_sequence(inputs))
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if retain_graph is None:
        retain_graph = create_graph
    if allow_unused is None:
        allow_unused = materialize_grads
    backward = _batched if is_grads_batched else _core.run_backward
    results = backward(_as_sequence(outputs), grad_outputs, retain_graph, create_graph, targets, allow_unused, False)
    if materialize_grads:
        results = _zeros_for(targets, results)
    return results if keys is None else dict(zip(keys, results, strict=True))
