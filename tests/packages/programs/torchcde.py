# torchcde: neural controlled differential equations along interpolations of irregular data, solved with torchdiffeq.
"""Cubic and linear interpolation; a controlled equation, with gradients to data and network."""

import torch
import torchcde
from torch import nn


class Field(nn.Module):
    """The vector field: a matrix for each state."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(hidden, 12), nn.Tanh(), nn.Linear(12, channels * hidden), nn.Tanh())
        self.shape = (hidden, channels)

    def forward(self, t, z):
        return self.layers(z).unflatten(-1, self.shape)


def main() -> dict[str, object]:
    """Solutions and gradients for each interpolation, and the interpolations of data with gaps."""
    torch.manual_seed(0)
    times = torch.linspace(0, 1, 12, dtype=torch.float64)
    data = torch.randn(3, 12, 2, dtype=torch.float64).cumsum(1)
    data = torch.cat([times.expand(3, 12)[..., None], data], -1)
    unseen = torch.rand(data.shape) < torch.tensor([0.0, 0.2, 0.2])  # Times are always known.
    gaps = data.masked_fill(unseen, float("nan"))
    found = {
        "filled": torchcde.linear_interpolation_coeffs(gaps),
        "rectilinear": torchcde.linear_interpolation_coeffs(gaps, rectilinear=0),
    }
    field = Field(3, 4).double()
    first = nn.Linear(3, 4).double()
    for name, coefficients, path in (
        ("natural", torchcde.natural_cubic_coeffs(gaps, times), torchcde.CubicSpline),
        ("hermite", torchcde.hermite_cubic_coefficients_with_backward_differences(data), torchcde.CubicSpline),
        ("linear", torchcde.linear_interpolation_coeffs(data), torchcde.LinearInterpolation),
    ):
        control = path(coefficients.requires_grad_())
        start = first(control.evaluate(control.interval[0]))
        options = {
            "adjoint": name == "hermite",
            "method": "rk4",
            "options": {"step_size": control.grid_points.diff()[0] / 2},
        }
        states = torchcde.cdeint(X=control, func=field, z0=start, t=control.interval, **options)
        field.zero_grad()
        states[:, -1].square().sum().backward()
        found[name] = states
        found[f"{name} gradients"] = [coefficients.grad.norm(), *(p.grad.norm() for p in field.parameters())]
        found[f"{name} derivative"] = control.derivative(control.grid_points.mean())
    return found
