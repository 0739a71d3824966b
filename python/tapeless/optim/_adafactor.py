# Adafactor: a second moment kept as one row and one column for each matrix.
"""N. Shazeer and M. Stern, *Adafactor: Adaptive Learning Rates with Sublinear Memory Cost*, ICML 2018, algorithms 4, 5.

Without momentum, and with the learning rate as the bound of its relative step size.
"""

from typing import Any

import tapeless as torch
from tapeless import Tensor
from tapeless.optim.formula import FormulaOptimizer, advance, chosen, counter, each, move, number
from tapeless.optim.optimizer import ParamsT

__all__ = ["Adafactor", "adafactor"]


def _rms(x: Tensor) -> float:
    return (x.norm(2) / x.numel() ** 0.5).item()


def _inverse_root(g: Tensor, rows: Any, columns: Any, whole: Any, share: float, eps: float) -> Tensor:
    """1/√v for the second moment v, whose means (or, for a vector, itself) are first moved to those of g²."""
    if whole is not None:
        whole.lerp_(g.square(), share)
        estimate = whole.clone()
    else:
        rows.lerp_(g.norm(dim=-1, keepdim=True).square().div(g.size(-1)), share)
        columns.lerp_(g.norm(dim=-2, keepdim=True).square().div(g.size(-2)), share)
        estimate = (rows @ columns) / rows.mean(dim=-2, keepdim=True).clamp(min=eps)
    return estimate.clamp(min=eps * eps).rsqrt()


def adafactor(
    params: list[Tensor],
    grads: list[Tensor],
    row_vars: list[Tensor | None],
    col_vars: list[Tensor | None],
    variances: list[Tensor | None],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_complex: bool = False,
    *,
    d: float,
    lr: float | Tensor,
    beta2_decay: float,
    weight_decay: float,
    eps1: float | None,
    eps2: float,
    maximize: bool,
) -> None:
    """One step of Adafactor, written into the parameters and the row and column means of the second moment.

    The moments move by t^beta2_decay; u = g/√v;  p ← (1 - lr·decay)p - α·u/max(1, rms(u)/d) with
    α = max(ε₂, rms(p))·min(lr, 1/√t).
    """
    lr = number(lr)
    columns = (row_vars, col_vars, variances, state_steps)
    for p, g, rows, cols, whole, step in each(params, grads, *columns, maximize=maximize):
        t = advance(step)
        eps = torch.finfo(p.dtype).eps if eps1 is None else eps1
        rate = max(eps2, _rms(p)) * min(lr, 1 / t**0.5)
        if weight_decay:
            p.mul_(1 - lr * weight_decay)
        update = _inverse_root(g, rows, cols, whole, t**beta2_decay, eps) * g
        move(p, update, rate / max(1.0, _rms(update) / d))


class Adafactor(FormulaOptimizer):
    """Adafactor (see `adafactor`). `eps` is (ε₁, ε₂), ε₁ by default that of the dtype. No complex parameters."""

    COLUMNS = ("step", "row_var", "col_var", "variance")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in (
            ("Learning rate", lr),
            ("epsilon1", eps[0]),
            ("epsilon2", eps[1]),
            ("weight_decay", weight_decay),
        ):
            if value is not None and not value >= 0.0:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _first_state(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if p.dim() < 2:
            return {"step": counter(), "variance": torch.zeros_like(p)}
        rows = p.new_zeros((*p.shape[:-1], 1))
        return {"step": counter(), "row_var": rows, "col_var": p.new_zeros((*p.shape[:-2], 1, p.shape[-1]))}

    def _apply(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], *columns: list[Any]) -> None:
        steps, rows, cols, wholes = columns
        eps1, eps2 = group["eps"]
        options = chosen(group, "d", "lr", "beta2_decay", "weight_decay", "maximize")
        adafactor(params, grads, rows, cols, wholes, steps, eps1=eps1, eps2=eps2, **options)
