# normflows: a real NVP, a planar flow and a spline flow, fitted to a target and to samples.
"""Variational inference of a target density, and maximum likelihood of samples."""

import normflows as nf
import torch


def train(model: torch.nn.Module, loss_of, steps: int = 10) -> list[float]:
    """Losses of Adam."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> dict[str, object]:
    """Losses, densities and samples of each flow."""
    torch.manual_seed(0)
    target = nf.distributions.TwoMoons()
    couplings = []
    for _ in range(3):
        couplings += [
            nf.flows.AffineCouplingBlock(nf.nets.MLP([1, 16, 16, 2], init_zeros=True)),
            nf.flows.Permute(2, mode="swap"),
        ]
    real = nf.NormalizingFlow(nf.distributions.DiagGaussian(2), [*couplings, nf.flows.ActNorm(2)])
    points = target.sample(64).double()
    planar = nf.NormalizingFlow(nf.distributions.DiagGaussian(2), [nf.flows.Planar((2,)) for _ in range(4)], target)
    spline = nf.NormalizingFlow(
        nf.distributions.DiagGaussian(2, trainable=False),
        [nf.flows.AutoregressiveRationalQuadraticSpline(2, 1, 8), nf.flows.LULinearPermute(2)],
    )
    for model in (real, planar, spline):
        model.double()  # Adam's first steps divide gradients by their own size, which magnifies the last digit.
    found = {
        "points": points,
        "real": train(real, lambda: real.forward_kld(points)),
        "planar": train(planar, lambda: planar.reverse_kld(32)),
        "spline": train(spline, lambda: spline.forward_kld(points)),
    }
    with torch.no_grad():
        for name, model in (("real", real), ("spline", spline)):
            samples, densities = model.sample(6)
            found[f"{name} samples"] = samples
            found[f"{name} densities"] = densities
            found[f"{name} inverse"] = model.inverse(points[:5])
    return found
