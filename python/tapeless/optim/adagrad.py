# Adagrad: each element has its own learning rate, which falls with the gradients it has seen.
"""J. Duchi, E. Hazan and Y. Singer, *Adaptive Subgradient Methods*, JMLR 12, 2011."""

from typing import Any

import tapeless as torch
from tapeless import Tensor
from tapeless.optim.formula import FormulaOptimizer, advance, check, chosen, counter, descend, each, number
from tapeless.optim.optimizer import ParamsT

__all__ = ["Adagrad", "adagrad"]


def adagrad(
    params: list[Tensor],
    grads: list[Tensor],
    state_sums: list[Tensor],
    state_steps: list[Tensor],
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    lr: float,
    weight_decay: float,
    lr_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """One step of Adagrad, written into the parameters and the sums of squares.

    s ← s + g²,  p ← p - lr/(1 + (t-1)·lr_decay) · g/(√s + ε).
    """
    lr = number(lr)
    for p, g, total, step in each(params, grads, state_sums, state_steps, maximize=maximize, weight_decay=weight_decay):
        t = advance(step)
        total.addcmul_(g, g)
        descend(p, g, total.sqrt() + eps, lr / (1 + (t - 1) * lr_decay))


class Adagrad(FormulaOptimizer):
    """Adagrad (see `adagrad`). Its state begins when the optimizer is made."""

    COLUMNS = (
        "step",
        "sum",
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check("lr_decay value", lr_decay, lr_decay >= 0.0)
        check("initial_accumulator_value value", initial_accumulator_value, initial_accumulator_value >= 0.0)
        check("epsilon value", eps, eps >= 0.0)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

        for group in self.param_groups:
            self._columns(group, group["params"])

    def share_memory(self) -> None:
        """Move the state to memory that child processes share."""
        for state in self.state.values():
            state["sum"].share_memory_()

    def _first_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        value = group["initial_accumulator_value"]
        first = complex(value, value) if p.is_complex() else value
        return {"step": counter(), "sum": torch.full_like(p, first, memory_format=torch.preserve_format)}

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, sums = columns
        adagrad(params, grads, sums, steps, **chosen(group, "lr", "weight_decay", "lr_decay", "eps", "maximize"))
