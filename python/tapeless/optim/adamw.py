# AdamW: Adam whose weight decay is no part of the gradient.
"""I. Loshchilov and F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019, algorithm 2."""

from typing import Any

from tapeless import Tensor
from tapeless.optim.adam import Adam, adam
from tapeless.optim.optimizer import ParamsT

__all__ = ["AdamW", "adamw"]


def adamw(
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
    *,
    amsgrad: bool,
    beta1: float | Tensor,
    beta2: float | Tensor,
    lr: float | Tensor,
    weight_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """One step of `adam` with decoupled weight decay: p ← (1 - lr·decay) p ahead of it."""
    options: dict[str, Any] = {"amsgrad": amsgrad, "beta1": beta1, "beta2": beta2, "lr": lr}
    options.update(weight_decay=weight_decay, eps=eps, maximize=maximize, decoupled_weight_decay=True)
    adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps, **options)


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← (1 - lr·weight_decay) p before each step."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Checkpoints do not say that the decay is decoupled where they come from before it was an option."""
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
