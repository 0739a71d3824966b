# higher: gradients through the steps of an inner optimizer, as in model-agnostic meta-learning.
"""Learn a starting point for regression of sines, differentiating through three inner steps.

In float64: Adam's first steps divide gradients by their own size, which magnifies the last digit.
"""

import higher
import torch
from torch import nn


def adapt(model: nn.Module, inner: torch.optim.Optimizer) -> float:
    """Backward through three steps of the inner optimizer on a new sine; the loss on other points of it."""
    shift, scale = torch.rand(2, dtype=torch.float64)
    x = torch.rand(20, 1, dtype=torch.float64) * 6
    y = scale * torch.sin(x + shift)
    with higher.innerloop_ctx(model, inner, copy_initial_weights=False) as (functional, steps):
        for _ in range(3):
            steps.step((functional(x[:10]) - y[:10]).square().mean())
        loss = (functional(x[10:]) - y[10:]).square().mean()
        loss.backward()
    return loss.item()


def main() -> dict[str, object]:
    """Outer losses and the gradient of the starting point, for SGD and Adam inside."""
    torch.manual_seed(0)
    results = {}
    for inner_class in (torch.optim.SGD, torch.optim.Adam):
        model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)).double()
        outer = torch.optim.Adam(model.parameters(), lr=0.01)
        losses = []
        for _ in range(8):
            outer.zero_grad()
            losses.append(sum(adapt(model, inner_class(model.parameters(), lr=0.05)) for _ in range(2)))
            outer.step()
        results[inner_class.__name__] = losses
        results[f"{inner_class.__name__} gradient"] = model[0].weight.grad.flatten()
    return results
