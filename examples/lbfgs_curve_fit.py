# A damped oscillation is fitted to noisy measurements by a quasi-Newton method.
"""Fit y = a exp(-b t) cos(c t + d) + e by L-BFGS with a line search (Nocedal and Wright, 2006, chapter 7).

python -m tapeless examples/lbfgs_curve_fit.py [--steps 50] [--seed 0]
"""

import torch
from progress import Losses, arguments

TRUE = {"a": 2.0, "b": 0.3, "c": 3.0, "d": 0.5, "e": 0.7}
START = {"a": 1.0, "b": 0.1, "c": 2.8, "d": 0.0, "e": 0.0}


def curve(t, p):
    """The model at times t."""
    return p["a"] * torch.exp(-p["b"] * t) * torch.cos(p["c"] * t + p["d"]) + p["e"]


def main() -> None:
    """Fit, and print what was found beside the truth."""
    options = arguments(__doc__, steps=50)
    torch.manual_seed(options.seed)
    t = torch.linspace(0, 8, 200, dtype=torch.float64)
    measured = curve(t, {name: torch.tensor(value) for name, value in TRUE.items()})
    measured = measured + 0.05 * torch.randn(200, dtype=torch.float64)
    parameters = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in START.items()}
    optimizer = torch.optim.LBFGS(parameters.values(), lr=0.5, max_iter=2, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (curve(t, parameters) - measured).square().mean()
        loss.backward()
        return loss

    losses = Losses(options)
    for _ in range(options.steps):
        losses.add(optimizer.step(closure))
    losses.save()
    for name, value in parameters.items():
        print(f"{name}: {value.item():.3f} (true {TRUE[name]})")


if __name__ == "__main__":
    main()
