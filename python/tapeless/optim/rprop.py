# Rprop: steps by the gradient's sign, longer while it stays and shorter when it turns.
"""M. Riedmiller and H. Braun, *A direct adaptive method for faster backpropagation learning: RPROP*, 1993."""

from typing import Any

import tapeless as torch
from tapeless import Tensor
from tapeless.optim.formula import FormulaOptimizer, advance, check, counter, each, number, zeros_like
from tapeless.optim.optimizer import ParamsT

__all__ = ["Rprop", "rprop"]


def rprop(
    params: list[Tensor],
    grads: list[Tensor],
    prevs: list[Tensor],
    step_sizes: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    capturable: bool = False,
    maximize: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    step_size_min: float,
    step_size_max: float,
    etaminus: float,
    etaplus: float,
) -> None:
    """One step of Rprop, written into the parameters, the step sizes s and the gradients of last time.

    s is multiplied by η⁺ where g has its last sign and by η⁻ where it turned, and kept within its bounds;
    p ← p - sign(g)·s, but not where the sign turned: there g counts as 0, next time too.
    """
    for p, g, last, size, step in each(params, grads, prevs, step_sizes, state_steps, maximize=maximize):
        advance(step)
        turn = g.mul(last).sign()
        sized = torch.where(turn > 0, size * etaplus, torch.where(turn < 0, size * etaminus, size))
        size.copy_(sized.clamp(step_size_min, step_size_max))
        g = torch.where(turn < 0, 0.0, g)
        p.sub_(g.sign() * size)
        last.copy_(g)


class Rprop(FormulaOptimizer):
    """Rprop (see `rprop`): `lr` is the first step size, `etas` are (η⁻, η⁺). For whole batches only."""

    COLUMNS = (
        "step",
        "prev",
        "step_size",
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check("eta values", f"{etas[0]}, {etas[1]}", 0.0 < etas[0] < 1.0 < etas[1])
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _first_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        lr = number(group["lr"])
        size = torch.full_like(p, complex(lr, lr) if p.is_complex() else lr)
        return {"step": counter(), "prev": zeros_like(p), "step_size": size}

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, lasts, sizes = columns
        (down, up), (least, most) = group["etas"], group["step_sizes"]
        options = {"step_size_min": least, "step_size_max": most, "etaminus": down, "etaplus": up}
        rprop(params, grads, lasts, sizes, steps, maximize=group["maximize"], **options)
