# A vector field is learned from a spiral, through the steps of a Runge-Kutta method.
"""A neural ordinary differential equation (Chen et al., 2018), differentiated through its solver.

python -m tapeless examples/neural_ode.py [--steps 300] [--seed 0]
"""

import torch
from progress import Losses, arguments
from torch import nn

POINTS, SPAN, HORIZON, BATCH = 400, 20.0, 8, 24


class Field(nn.Module):
    """dy/dt = f(y) for points of the plane."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2))
        for layer in self.net:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.1)
                nn.init.zeros_(layer.bias)

    def forward(self, y):
        return self.net(y**3)


def runge_kutta(field, y, step, count):
    """The states after 0, 1, ... count - 1 steps of the classical method of fourth order."""
    states = [y]
    for _ in range(count - 1):
        k1 = field(y)
        k2 = field(y + step / 2 * k1)
        k3 = field(y + step / 2 * k2)
        k4 = field(y + step * k3)
        y = y + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(y)
    return torch.stack(states)


def main() -> None:
    """Fit short pieces of the spiral, then follow it from its beginning."""
    options = arguments(__doc__, steps=300)
    torch.manual_seed(options.seed)
    turn = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
    step = SPAN / POINTS
    start = torch.tensor([[2.0, 0.0]])
    with torch.no_grad():
        spiral = runge_kutta(lambda y: (y**3) @ turn, start, step, POINTS)
    field = Field()
    optimizer = torch.optim.RMSprop(field.parameters(), lr=2e-3)
    losses = Losses(options)
    for _ in range(options.steps):
        begin = torch.randperm(POINTS - HORIZON)[:BATCH]
        wanted = torch.stack([spiral[begin + ahead] for ahead in range(HORIZON)])
        found = runge_kutta(field, wanted[0], step, HORIZON)
        loss = (found - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.add(loss)
    losses.save()
    with torch.no_grad():
        error = (runge_kutta(field, start, step, POINTS) - spiral).abs().mean()
    print(f"mean distance along the whole spiral: {error.item():.3f}")


if __name__ == "__main__":
    main()
