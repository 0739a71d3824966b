# Adadelta: steps in the units of the parameter, without a learning rate to choose.
"""M. D. Zeiler, *ADADELTA: An Adaptive Learning Rate Method*, 2012, algorithm 1."""

from typing import Any

from tapeless import Tensor
from tapeless.optim.formula import FormulaOptimizer, advance, check, chosen, each, move, number
from tapeless.optim.optimizer import ParamsT

__all__ = ["Adadelta", "adadelta"]


def adadelta(
    params: list[Tensor],
    grads: list[Tensor],
    square_avgs: list[Tensor],
    acc_deltas: list[Tensor],
    state_steps: list[Tensor],
    capturable: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of Adadelta, written into the parameters and both averages.

    v ← ρv + (1-ρ)g²,  d = √(u+ε)/√(v+ε) · g,  u ← ρu + (1-ρ)d²,  p ← p - lr·d.
    """
    lr = number(lr)
    columns = (square_avgs, acc_deltas, state_steps)
    for p, g, v, u, step in each(params, grads, *columns, maximize=maximize, weight_decay=weight_decay):
        advance(step)
        v.mul_(rho).addcmul_(g, g, value=1 - rho)
        delta = (u + eps).sqrt() / (v + eps).sqrt() * g
        u.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        move(p, delta, lr)


class Adadelta(FormulaOptimizer):
    """Adadelta (see `adadelta`); `lr` scales its steps."""

    COLUMNS = (
        "step",
        "square_avg",
        "acc_delta",
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check("rho value", rho, 0.0 <= rho <= 1.0)
        check("epsilon value", eps, eps >= 0.0)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, squares, deltas = columns
        options = chosen(group, "lr", "rho", "eps", "weight_decay", "maximize")
        adadelta(params, grads, squares, deltas, steps, **options)
