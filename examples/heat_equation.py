# A network satisfies the heat equation: the loss holds its own derivatives, first and second.
"""Solve u_t = k u_xx on a rod with cold ends by a physics-informed network (Raissi, Perdikaris and Karniadakis, 2019).

python -m tapeless examples/heat_equation.py [--steps 800] [--seed 0]
"""

import math

import torch
from progress import Losses, arguments
from torch import nn

DIFFUSION, POINTS = 0.1, 128


class Temperature(nn.Module):
    """u(x, t) as a network of both."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, x, t):
        return self.net(torch.cat([x, t], dim=1))


def derivative(y, x):
    """dy/dx at every point, itself differentiable."""
    return torch.autograd.grad(y, x, grad_outputs=torch.ones_like(y), create_graph=True)[0]


def exact(x, t):
    """The solution that begins as one arch of a sine."""
    return torch.exp(-DIFFUSION * math.pi**2 * t) * torch.sin(math.pi * x)


def residual(model):
    """How far the network is from the equation at random points inside."""
    x, t = torch.rand(POINTS, 1, requires_grad=True), torch.rand(POINTS, 1, requires_grad=True)
    u = model(x, t)
    return derivative(u, t) - DIFFUSION * derivative(derivative(u, x), x)


def boundary(model):
    """How far it is from what is known at the beginning and at both ends."""
    x, t = torch.rand(POINTS, 1), torch.rand(POINTS, 1)
    zeros = torch.zeros(POINTS, 1)
    ends = (x < 0.5).float()
    return torch.cat([model(x, zeros) - exact(x, zeros), model(ends, t)])


def main() -> None:
    """Train, and compare with the exact solution."""
    options = arguments(__doc__, steps=800)
    torch.manual_seed(options.seed)
    model = Temperature()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.998)
    losses = Losses(options)
    for _ in range(options.steps):
        loss = residual(model).square().mean() + boundary(model).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.add(loss)
    losses.save()
    x, t = torch.meshgrid(torch.linspace(0, 1, 21), torch.linspace(0, 1, 21), indexing="ij")
    x, t = x.reshape(-1, 1), t.reshape(-1, 1)
    with torch.no_grad():
        error = (model(x, t) - exact(x, t)).abs().max()
    print(f"largest error: {error.item():.4f}")


if __name__ == "__main__":
    main()
