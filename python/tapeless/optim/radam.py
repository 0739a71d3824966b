# RAdam: Adam that begins as momentum until the second moment can be trusted.
"""L. Liu and others, *On the Variance of the Adaptive Learning Rate and Beyond*, ICLR 2020, algorithm 2."""

from typing import Any

from tapeless import Tensor
from tapeless.optim.formula import (
    FormulaOptimizer,
    advance,
    check,
    check_betas,
    chosen,
    descend,
    each,
    move,
    number,
    snapshot,
)
from tapeless.optim.optimizer import ParamsT

__all__ = ["RAdam", "radam"]


def radam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    state_steps: list[Tensor],
    decoupled_weight_decay: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    maximize: bool = False,
    *,
    beta1: float,
    beta2: float,
    lr: float,
    weight_decay: float,
    eps: float,
) -> None:
    """One step of RAdam, written into the parameters and the moments m and v, which are Adam's.

    ρ∞ = 2/(1-β₂) - 1,  ρ = ρ∞ - 2tβ₂ᵗ/(1-β₂ᵗ). While ρ ≤ 5, p ← p - lr·m/(1-β₁ᵗ); after that the step is also
    r·√(1-β₂ᵗ)/(√v + ε) times that, where r² = (ρ-4)(ρ-2)ρ∞ / ((ρ∞-4)(ρ∞-2)ρ).
    """
    lr = number(lr)
    shrink = 1 - lr * weight_decay if decoupled_weight_decay and weight_decay else None
    coupled = 0 if decoupled_weight_decay else weight_decay
    columns = (exp_avgs, exp_avg_sqs, state_steps)
    limit = 2 / (1 - beta2) - 1
    for p, g, m, v, step in each(params, grads, *columns, maximize=maximize, weight_decay=coupled):
        t = advance(step)
        if shrink is not None:
            p.mul_(shrink)
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        rate, correction = lr / (1 - beta1**t), 1 - beta2**t
        length = limit - 2 * t * beta2**t / correction
        if length > 5:
            r = ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) ** 0.5
            descend(p, snapshot(m), v.sqrt() + eps, rate * r * correction**0.5)
        else:
            move(p, snapshot(m), rate)


class RAdam(FormulaOptimizer):
    """RAdam (see `radam`)."""

    COLUMNS = (
        "step",
        "exp_avg",
        "exp_avg_sq",
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check("epsilon value", eps, eps >= 0.0)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, firsts, seconds = columns
        beta1, beta2 = group["betas"]
        options = chosen(group, "decoupled_weight_decay", "maximize", "lr", "weight_decay", "eps")
        radam(params, grads, firsts, seconds, steps, beta1=beta1, beta2=beta2, **options)
