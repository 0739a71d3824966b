# torchsde: stochastic differential equations with Brownian motion that is reproducible, and gradients through them.
"""An Ornstein-Uhlenbeck process with learned drift, Itô and Stratonovich."""

import torch
import torchsde
from torch import nn


class Process(nn.Module):
    """dX = theta (mu - X) dt + sigma dW, with diagonal noise."""

    def __init__(self, sde_type: str) -> None:
        super().__init__()
        self.noise_type, self.sde_type = "diagonal", sde_type
        self.theta = nn.Parameter(torch.tensor(0.7))
        self.mu = nn.Parameter(torch.tensor([0.5, -0.5]))
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def f(self, t, y):
        return self.theta * (self.mu - y)

    def g(self, t, y):
        return self.log_sigma.exp() * (1 + 0.1 * y.tanh())


def brownian() -> torchsde.BrownianInterval:
    """The same motion each time it is asked for."""
    return torchsde.BrownianInterval(t0=0.0, t1=1.0, size=(16, 2), entropy=7, levy_area_approximation="space-time")


def main() -> dict[str, object]:
    """Paths and gradients for the methods of both calculi."""
    torch.manual_seed(0)
    times = torch.linspace(0, 1, 5)
    start = torch.zeros(16, 2)
    results = {}
    for sde_type, methods in (("ito", ("euler", "milstein", "srk")), ("stratonovich", ("midpoint", "heun"))):
        for method in methods:
            process = Process(sde_type)
            motion = brownian()
            path = torchsde.sdeint(process, start, times, bm=motion, method=method, dt=0.05)
            path[-1].square().mean().backward()
            results[method] = path
            results[f"{method} gradients"] = [p.grad.sum().item() for p in process.parameters()]
    process = Process("stratonovich")
    motion = brownian()
    torchsde.sdeint_adjoint(process, start, times, bm=motion, method="midpoint", dt=0.1)[-1].mean().backward()
    results["adjoint gradients"] = [p.grad.sum().item() for p in process.parameters()]
    return results
