# NAdam: Adam with Nesterov's momentum.
"""T. Dozat, *Incorporating Nesterov Momentum into Adam*, ICLR 2016 workshop."""

from typing import Any

from tapeless import Tensor
from tapeless.optim.formula import (
    FormulaOptimizer,
    advance,
    check,
    check_betas,
    chosen,
    counter,
    descend,
    each,
    number,
    snapshot,
    zeros_like,
)
from tapeless.optim.optimizer import ParamsT

__all__ = ["NAdam", "nadam"]


def nadam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    mu_products: list[Tensor],
    state_steps: list[Tensor],
    decoupled_weight_decay: bool = False,
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    maximize: bool = False,
    *,
    beta1: float,
    beta2: float,
    lr: float,
    weight_decay: float,
    momentum_decay: float,
    eps: float,
) -> None:
    """One step of NAdam, written into the parameters, the moments m and v, and the product of the momenta.

    μₜ = β₁(1 - 0.96^(t·ψ)/2),  m and v as Adam's,  w = √(v/(1-β₂ᵗ)) + ε,
    p ← p - lr·[(1-μₜ)/(1-Πμ) · g/w + μₜ₊₁/(1-Πμ·μₜ₊₁) · m/w].
    """
    lr = number(lr)
    shrink = 1 - lr * weight_decay if decoupled_weight_decay and weight_decay else None
    coupled = 0 if decoupled_weight_decay else weight_decay
    columns = (exp_avgs, exp_avg_sqs, mu_products, state_steps)
    for p, g, m, v, product, step in each(params, grads, *columns, maximize=maximize, weight_decay=coupled):
        t = advance(step)
        if shrink is not None:
            p.mul_(shrink)
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
        product *= mu
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        root = (v / (1 - beta2**t)).sqrt() + eps
        so_far = product.item()
        descend(p, g, root, lr * (1 - mu) / (1 - so_far))
        descend(p, snapshot(m), root, lr * mu_next / (1 - so_far * mu_next))


class NAdam(FormulaOptimizer):
    """NAdam (see `nadam`); `momentum_decay` is the ψ of its momenta."""

    COLUMNS = (
        "step",
        "mu_product",
        "exp_avg",
        "exp_avg_sq",
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check("epsilon value", eps, eps >= 0.0)
        check_betas(betas)
        check("momentum_decay value", momentum_decay, momentum_decay >= 0.0)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _first_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        moments = {"exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}
        return {"step": counter(), "mu_product": counter(1.0), **moments}

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, products, firsts, seconds = columns
        beta1, beta2 = group["betas"]
        options = chosen(group, "decoupled_weight_decay", "maximize", "lr", "weight_decay", "momentum_decay", "eps")
        nadam(params, grads, firsts, seconds, products, steps, beta1=beta1, beta2=beta2, **options)
