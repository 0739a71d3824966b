# torchdiffeq: ordinary differential equations, adaptive and fixed steps, gradients by adjoint and through the solver.
"""A spiral, solved by many methods, and a small neural field trained through the adjoint method."""

import torch
from torch import nn
from torchdiffeq import odeint, odeint_adjoint, odeint_event


class Field(nn.Module):
    """A vector field of one hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, t, y):
        return self.net(y**3)


def main() -> dict[str, object]:
    """Solutions of each method, losses of training, the time of an event."""
    torch.manual_seed(0)
    times = torch.linspace(0.0, 2.0, 9)
    start = torch.tensor([[2.0, 0.0]])
    turn = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
    results = {}
    with torch.no_grad():
        for method in ("dopri5", "dopri8", "bosh3", "adaptive_heun"):
            results[method] = odeint(lambda t, y: (y**3) @ turn, start, times, method=method)
        for method in ("rk4", "midpoint", "euler", "explicit_adams"):
            steps = {"step_size": 0.02}
            results[method] = odeint(lambda t, y: (y**3) @ turn, start, times, method=method, options=steps)
    field = Field()
    optimizer = torch.optim.Adam(field.parameters(), lr=0.01)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = (odeint_adjoint(field, start, times, method="dopri5") - results["dopri5"]).abs().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    start.requires_grad_()
    odeint(lambda t, y: (y**3) @ turn, start, times, method="dopri5").square().sum().backward()
    fall = lambda t, s: (s[1], torch.full_like(s[1], -9.8))  # noqa: E731
    moment, _ = odeint_event(
        fall,
        (torch.tensor(10.0), torch.tensor(0.0)),
        torch.tensor(0.0),
        event_fn=lambda t, s: s[0],
        atol=1e-6,
        rtol=1e-6,
    )
    return {**results, "losses": losses, "start.grad": start.grad, "moment": moment}
