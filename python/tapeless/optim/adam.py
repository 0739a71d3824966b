# Adam, and with decoupled weight decay AdamW: a step of the size of the learning rate along the mean gradient.
"""Adam: D. P. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 1.

`amsgrad`: S. J. Reddi, S. Kale and S. Kumar, *On the Convergence of Adam and Beyond*, ICLR 2018, algorithm 2.
"""

from typing import Any

import tapeless as torch
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

__all__ = ["Adam", "adam"]


def adam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    max_exp_avg_sqs: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_complex: bool = False,
    decoupled_weight_decay: bool = False,
    *,
    amsgrad: bool,
    beta1: float | Tensor,
    beta2: float | Tensor,
    lr: float | Tensor,
    weight_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """One step of Adam, written into the parameters, the moments m and v, and the counters.

    m ← β₁m + (1-β₁)g,  v ← β₂v + (1-β₂)g²,  p ← p - lr · m/(1-β₁ᵗ) / (√(v/(1-β₂ᵗ)) + ε); amsgrad takes the largest
    v so far. Weight decay is a part of g, or decoupled, p ← (1 - lr·decay) p ahead of the step.
    """
    lr, beta1, beta2 = number(lr), number(beta1), number(beta2)
    shrink = 1 - lr * weight_decay if decoupled_weight_decay and weight_decay else None
    coupled = 0 if decoupled_weight_decay else weight_decay
    columns = (exp_avgs, exp_avg_sqs, max_exp_avg_sqs if amsgrad else [], state_steps)
    for p, g, m, v, largest, step in each(params, grads, *columns, maximize=maximize, weight_decay=coupled):
        t = advance(step)
        if shrink is not None:
            p.mul_(shrink)
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        if amsgrad:
            torch.maximum(largest, v, out=largest) if not v.requires_grad else largest.copy_(torch.maximum(largest, v))
            v = largest
        # √(v/c) + ε = (√v + ε√c) / √c: one pass less.
        root = (1 - beta2**t) ** 0.5
        descend(p, snapshot(m), v.sqrt() + eps * root, lr * root / (1 - beta1**t))


class Adam(FormulaOptimizer):
    """Adam (see `adam`). `decoupled_weight_decay=True` makes it AdamW; `lr` and `betas` may be tensors."""

    COLUMNS = ("step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check("epsilon value", eps, eps >= 0.0)
        check_betas(betas)
        tensors = [isinstance(beta, Tensor) for beta in betas]
        if any(tensors) and not all(tensors):
            raise ValueError("betas must be either both floats or both Tensors")
        if any(tensors) and foreach and not capturable:
            raise ValueError("betas[0] as a Tensor is not supported for capturable=False and foreach=True")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _first_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        moments = self.COLUMNS[1 : 4 if group["amsgrad"] else 3]
        return {"step": counter(), **{name: zeros_like(p) for name in moments}}

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, *moments = columns
        beta1, beta2 = group["betas"]
        options = chosen(group, "decoupled_weight_decay", "amsgrad", "lr", "weight_decay", "eps", "maximize")
        adam(params, grads, *moments, steps, beta1=beta1, beta2=beta2, **options)
