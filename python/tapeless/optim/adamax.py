# Adamax: Adam with the largest gradient of late in place of the second moment's root.
"""D. P. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 2."""

from typing import Any

import tapeless as torch
from tapeless import Tensor
from tapeless.optim.formula import (
    FormulaOptimizer,
    advance,
    check,
    check_betas,
    chosen,
    descend,
    each,
    number,
    snapshot,
)
from tapeless.optim.optimizer import ParamsT

__all__ = ["Adamax", "adamax"]


def adamax(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_infs: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    eps: float,
    beta1: float,
    beta2: float,
    lr: float,
    weight_decay: float,
) -> None:
    """One step of Adamax, written into the parameters, the moment m and the norm u.

    m ← β₁m + (1-β₁)g,  u ← max(β₂u, |g| + ε),  p ← p - lr/(1-β₁ᵗ) · m/u.
    """
    lr = number(lr)
    columns = (exp_avgs, exp_infs, state_steps)
    for p, g, m, u, step in each(params, grads, *columns, maximize=maximize, weight_decay=weight_decay):
        t = advance(step)
        m.lerp_(g, 1 - beta1)
        u.copy_(torch.maximum(u * beta2, g.abs() + eps))
        descend(p, snapshot(m), snapshot(u), lr / (1 - beta1**t))


class Adamax(FormulaOptimizer):
    """Adamax (see `adamax`)."""

    COLUMNS = (
        "step",
        "exp_avg",
        "exp_inf",
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check("epsilon value", eps, eps >= 0.0)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, moments, norms = columns
        beta1, beta2 = group["betas"]
        options = chosen(group, "eps", "lr", "weight_decay", "maximize")
        adamax(params, grads, moments, norms, steps, beta1=beta1, beta2=beta2, **options)
