# gpytorch with linear_operator: exact regression by a Gaussian process, and a variational one.
"""Fit hyperparameters of a kernel by the marginal likelihood, and predict with uncertainty."""

import math

import gpytorch
import torch


class Exact(gpytorch.models.ExactGP):
    """A constant mean and a scaled RBF kernel."""

    def __init__(self, x, y, likelihood) -> None:
        super().__init__(x, y, likelihood)
        self.mean = gpytorch.means.ConstantMean()
        self.kernel = gpytorch.kernels.ScaleKernel(gpytorch.kernels.RBFKernel())

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean(x), self.kernel(x))


def main() -> dict[str, object]:
    """Losses of fitting, hyperparameters, and the prediction with its band."""
    torch.manual_seed(0)
    x = torch.linspace(0, 1, 30)
    y = torch.sin(2 * math.pi * x) + 0.1 * torch.randn(30)
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    model = Exact(x, y, likelihood)
    model.train()
    likelihood.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    objective = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = -objective(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    likelihood.eval()
    with torch.no_grad():
        predicted = likelihood(model(torch.linspace(0, 1, 7)))
        low, high = predicted.confidence_region()
    return {
        "losses": losses,
        "length": model.kernel.base_kernel.lengthscale,
        "noise": likelihood.noise,
        "mean": predicted.mean,
        "low": low,
        "high": high,
    }
