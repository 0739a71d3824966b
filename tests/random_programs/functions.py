"""Functions of one tensor that random programs call: every smooth row, and operations that keep a shape."""

import tapeless
from tests.row_references import KINKS

__all__ = ["BENT", "SMOOTH", "rows"]

# Structured operations and compositions of a tensor with at least one dimension; the result has its shape.
SMOOTH = (
    "{x}.softmax(-1)",
    "{x}.log_softmax(0)",
    "{x}.cumsum(0)",
    "{x}.cumprod(-1)",
    "{x}.logcumsumexp(0)",
    "{x}.flip(0)",
    "{x}.roll(1, -1)",
    "{x}.tril() + {x}.triu() if {x}.dim() > 1 else {x}.diag().sum(0)",
    "{x} - {x}.mean(-1, keepdim=True)",
    "{x} * {x}.var(0, correction=0, keepdim=True)",
    "{x} * {x}.prod(-1, keepdim=True)",
    "{x} - {x}.logsumexp(-1, keepdim=True)",
    "{x}.index_select(0, torch.arange({x}.shape[0]).flip(0))",
    "{x}.take_along_dim(torch.zeros_like({x}, dtype=torch.int64), -1)",
    "{x}.repeat(2, *[1] * ({x}.dim() - 1))[: {x}.shape[0]]",
    "torch.cat([{x}, {x} * 2])[-{x}.shape[0] :]",
    "torch.stack([{x}, {x}.sin()]).sum(0)",
    "torch.einsum('...,...->...', {x}, {x}.cos())",
    "torch.addcmul({x}, {x}.sin(), {x}, value=0.5)",
    "torch.lerp({x}, {x}.cos(), 0.25)",
    "torch.atan2({x}, {x} * {x} + 1)",
    "torch.nn.functional.gelu({x})",
    "torch.nn.functional.silu({x})",
    "{x} + torch.nn.functional.mse_loss({x}, {x}.sin())",
)
# With kinks or steps, or where differences of nearby values lose their digits.
BENT = (
    "{x}.sort(-1, stable=True).values",
    "{x}.cummax(0).values",
    "{x} * {x}.amax(0, keepdim=True)",
    "{x} * {x}.norm(dim=-1, keepdim=True)",
    "torch.nn.functional.layer_norm({x}, {x}.shape[-1:])",
    "torch.nn.functional.normalize({x}, dim=-1)",
    "torch.nn.functional.leaky_relu({x}, 0.1)",
    "{x}.clamp(-0.75, 0.75)",
)


def rows() -> list[tuple[str, float, float]]:
    """The smooth unary rows, as callables of the namespace, each with bounds of its operand."""
    found = []
    for row in tapeless._core._row_facts():
        name = row["name"].replace("special_", "special.")
        steps = row["derivative"] == "Derivative: 0." or name in KINKS or name in ("sgn", "frac", "hardshrink")
        fits = row["arity"] == 1 and row["differentiable"] and "float64" in row["dtypes"] and row["result"] == "same"
        if fits and not steps and hasattr(tapeless.Tensor, row["name"]):
            middle, half = (row["low"] + row["high"]) / 2, 0.4 * (row["high"] - row["low"])
            found.append((f"torch.{name}", round(middle, 3), round(half, 3)))
    return found
