# Stochastic gradient descent, with momentum and Nesterov's form of it.
"""H. Robbins and S. Monro, *A Stochastic Approximation Method*, 1951.

Momentum: B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964. `nesterov`:
I. Sutskever, J. Martens, G. Dahl and G. Hinton, *On the importance of initialization and momentum in deep learning*,
ICML 2013.
"""

from typing import Any

import tapeless as torch
from tapeless import Tensor
from tapeless.optim.formula import FormulaOptimizer, check, chosen, each, move, number, snapshot
from tapeless.optim.optimizer import ParamsT

__all__ = ["SGD", "sgd"]


def sgd(
    params: list[Tensor],
    d_p_list: list[Tensor],
    momentum_buffer_list: list[Tensor | None],
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    *,
    weight_decay: float | Tensor,
    momentum: float,
    lr: float | Tensor,
    dampening: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """One step of SGD; a buffer that is None in `momentum_buffer_list` is made from the first gradient.

    b ← momentum·b + (1-dampening)·g (at first b ← g),  p ← p - lr·b, or with nesterov p ← p - lr·(g + momentum·b).
    """
    lr = number(lr)
    decayed = each(params, d_p_list, momentum_buffer_list, maximize=maximize, weight_decay=number(weight_decay))
    for at, (p, g, buffer) in enumerate(decayed):
        if momentum:
            if buffer is None:
                buffer = g.detach().clone() if not torch.is_grad_enabled() else g.clone()
                momentum_buffer_list[at] = torch.view_as_complex(buffer) if params[at].is_complex() else buffer
            else:
                buffer.mul_(momentum).add_(g, alpha=1 - dampening)
            g = g.add(buffer, alpha=momentum) if nesterov else snapshot(buffer)
        move(p, g, lr)


class SGD(FormulaOptimizer):
    """Stochastic gradient descent (see `sgd`)."""

    COLUMNS = ("momentum_buffer",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check("momentum value", momentum, momentum >= 0.0)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _columns(self, group: dict[str, Any], params: list[Tensor]) -> list[list[Any]]:
        """Without momentum there is no state at all."""
        return [[self.state[p].get("momentum_buffer") for p in params] if group["momentum"] else []]

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        (buffers,) = columns
        options = chosen(group, "weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize")
        is_first = any(buffer is None for buffer in buffers)
        sgd(params, grads, buffers, **options)
        if is_first:
            for p, buffer in zip(params, buffers, strict=True):
                self.state[p]["momentum_buffer"] = buffer
