# RMSprop: gradients divided by the root of their mean square.
"""G. Hinton, *Neural Networks for Machine Learning*, lecture 6e, 2012.

`centered`: A. Graves, *Generating Sequences With Recurrent Neural Networks*, 2013, equations 38-45.
"""

from typing import Any

from tapeless import Tensor
from tapeless.optim.formula import (
    FormulaOptimizer,
    advance,
    check,
    chosen,
    counter,
    descend,
    each,
    move,
    number,
    snapshot,
    zeros_like,
)
from tapeless.optim.optimizer import ParamsT

__all__ = ["RMSprop", "rmsprop"]


def rmsprop(
    params: list[Tensor],
    grads: list[Tensor],
    square_avgs: list[Tensor],
    grad_avgs: list[Tensor],
    momentum_buffer_list: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
) -> None:
    """One step of RMSprop, written into the parameters and the averages.

    v ← αv + (1-α)g²,  w = √v + ε, or centered, with a ← αa + (1-α)g, w = √(v - a²) + ε;
    p ← p - lr·g/w, or with momentum b ← momentum·b + g/w and p ← p - lr·b.
    """
    lr = number(lr)
    columns = (square_avgs, grad_avgs if centered else [], momentum_buffer_list if momentum > 0 else [], state_steps)
    for p, g, v, mean, buffer, step in each(params, grads, *columns, maximize=maximize, weight_decay=weight_decay):
        advance(step)
        v.mul_(alpha).addcmul_(g, g, value=1 - alpha)
        variance = v
        if centered:
            mean.lerp_(g, 1 - alpha)
            variance = v.addcmul(snapshot(mean), snapshot(mean), value=-1)
        root = variance.sqrt() + eps
        if momentum > 0:
            buffer.mul_(momentum).addcdiv_(g, root)
            move(p, snapshot(buffer), lr)
        else:
            descend(p, g, root, lr)


class RMSprop(FormulaOptimizer):
    """RMSprop (see `rmsprop`)."""

    COLUMNS = (
        "step",
        "square_avg",
        "momentum_buffer",
        "grad_avg",
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check("epsilon value", eps, eps >= 0.0)
        check("momentum value", momentum, momentum >= 0.0)
        check("alpha value", alpha, alpha >= 0.0)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _first_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        state = {"step": counter(), "square_avg": zeros_like(p)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = zeros_like(p)
        return state

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, squares, buffers, means = columns
        options = chosen(group, "lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize")
        rmsprop(params, grads, squares, means, buffers, steps, **options)
