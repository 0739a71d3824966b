# Averaged stochastic gradient descent: SGD whose answer is the mean of its last points.
"""B. T. Polyak and A. B. Juditsky, *Acceleration of stochastic approximation by averaging*, 1992."""

from typing import Any

from tapeless import Tensor
from tapeless.optim.formula import FormulaOptimizer, advance, chosen, counter, each, move, number, zeros_like
from tapeless.optim.optimizer import ParamsT

__all__ = ["ASGD", "asgd"]


def asgd(
    params: list[Tensor],
    grads: list[Tensor],
    axs: list[Tensor],
    mus: list[Tensor],
    etas: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    lambd: float,
    lr: float,
    t0: float,
    alpha: float,
    weight_decay: float,
) -> None:
    """One step of ASGD, written into the parameters, their averages a, and both rates.

    p ← (1 - λη)p - ηg,  a ← a + μ(p - a),  then η ← lr/(1 + λ·lr·t)^α and μ ← 1/max(1, t - t₀).
    """
    lr = number(lr)
    columns = (axs, mus, etas, state_steps)
    for p, g, average, mu, eta, step in each(params, grads, *columns, maximize=maximize, weight_decay=weight_decay):
        t = advance(step)
        rate, share = eta.item(), mu.item()
        p.mul_(1 - lambd * rate)
        move(p, g, rate)
        if share == 1:
            average.copy_(p)
        else:
            average.add_((p - average) * share)
        eta.fill_(lr / (1 + lambd * lr * t) ** alpha)
        mu.fill_(1 / max(1, t - t0))


class ASGD(FormulaOptimizer):
    """ASGD (see `asgd`); `state[p]["ax"]` is the average of a parameter."""

    COLUMNS = (
        "step",
        "eta",
        "mu",
        "ax",
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _first_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        return {"step": counter(), "eta": counter(group["lr"]), "mu": counter(1.0), "ax": zeros_like(p)}

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, etas, mus, averages = columns
        options = chosen(group, "lambd", "lr", "t0", "alpha", "weight_decay", "maximize")
        asgd(params, grads, averages, mus, etas, steps, **options)
