# nflows: a masked autoregressive flow and a coupling flow of splines, fitted to two moons of its own making.
"""Density estimation by normalizing flows; log-likelihoods and samples."""

import math

import torch
from nflows.distributions.normal import StandardNormal
from nflows.flows.base import Flow
from nflows.nn.nets import ResidualNet
from nflows.transforms import (
    AffineCouplingTransform,
    CompositeTransform,
    LULinear,
    MaskedAffineAutoregressiveTransform,
    MaskedPiecewiseRationalQuadraticAutoregressiveTransform,
    RandomPermutation,
)
from torch import optim


def moons(count: int) -> torch.Tensor:
    """Points on two half circles, with noise."""
    angle = torch.rand(count) * math.pi
    upper = (torch.rand(count) < 0.5).float()
    x = torch.stack([angle.cos() + 1 - upper, (2 * upper - 1) * angle.sin() + 0.5 * (1 - upper)], 1)
    return x + 0.05 * torch.randn(count, 2)


def main() -> dict[str, object]:
    """Losses of training, densities at the end, and the inverse of the flow."""
    torch.manual_seed(0)
    mask = torch.tensor([1.0, -1.0])
    steps = [
        RandomPermutation(2),
        MaskedAffineAutoregressiveTransform(features=2, hidden_features=16),
        LULinear(2),
        AffineCouplingTransform(mask, lambda i, o: ResidualNet(i, o, hidden_features=16, num_blocks=1)),
        MaskedPiecewiseRationalQuadraticAutoregressiveTransform(
            features=2, hidden_features=16, num_bins=6, tails="linear", tail_bound=3.0
        ),
    ]
    flow = Flow(CompositeTransform(steps), StandardNormal([2]))
    optimizer = optim.Adam(flow.parameters(), lr=1e-3)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = -flow.log_prob(moons(64)).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    flow.eval()
    points = moons(8)
    with torch.no_grad():
        noise = flow.transform_to_noise(points)
        back, _ = flow._transform.inverse(noise)
        samples = flow.sample(8)
    return {
        "losses": losses,
        "log_prob": flow.log_prob(points),
        "error of inverse": (back - points).abs().max() < 1e-3,
        "samples": samples,
    }
