# A Gaussian process learns its length scale, amplitude and noise, and predicts with uncertainty.
"""Regression by a Gaussian process (Rasmussen and Williams, 2006, chapters 2 and 5) on its marginal likelihood.

python -m tapeless examples/gaussian_process.py [--steps 120] [--seed 0]
"""

import math

import torch
from progress import Losses, arguments
from torch import nn

POINTS, NOISE = 40, 0.1


class GaussianProcess(nn.Module):
    """A squared-exponential kernel with logarithms of its parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.log_length = nn.Parameter(torch.tensor(0.0, dtype=torch.float64))
        self.log_amplitude = nn.Parameter(torch.tensor(0.0, dtype=torch.float64))
        self.log_noise = nn.Parameter(torch.tensor(-1.0, dtype=torch.float64))

    def kernel(self, a, b):
        distance = torch.cdist(a / self.log_length.exp(), b / self.log_length.exp())
        return (2 * self.log_amplitude).exp() * torch.exp(-0.5 * distance.square())

    def factor(self, x):
        """The Cholesky factor of the covariance of noisy observations at x."""
        noise = (2 * self.log_noise).exp() * torch.eye(len(x), dtype=x.dtype)
        return torch.linalg.cholesky(self.kernel(x, x) + noise)

    def forward(self, x, y):
        """The negative logarithm of the marginal likelihood, for each observation."""
        factor = self.factor(x)
        whitened = torch.linalg.solve_triangular(factor, y.unsqueeze(1), upper=False)
        log_determinant = factor.diagonal().log().sum()
        return 0.5 * (whitened.square().sum() / len(x) + math.log(2 * math.pi)) + log_determinant / len(x)

    @torch.no_grad()
    def predict(self, x, y, new):
        """Mean and standard deviation of the function at new points."""
        factor = self.factor(x)
        across = self.kernel(x, new)
        mean = across.T @ torch.cholesky_solve(y.unsqueeze(1), factor)
        reduced = torch.linalg.solve_triangular(factor, across, upper=False)
        variance = self.kernel(new, new).diagonal() - reduced.square().sum(0)
        return mean.squeeze(1), variance.clamp_min(0).sqrt()


def main() -> None:
    """Fit, and print the prediction beside the truth."""
    options = arguments(__doc__, steps=120)
    torch.manual_seed(options.seed)
    x = 6 * torch.rand(POINTS, 1, dtype=torch.float64)
    y = torch.sin(2 * x[:, 0]) + NOISE * torch.randn(POINTS, dtype=torch.float64)
    model = GaussianProcess()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = Losses(options)
    for _ in range(options.steps):
        optimizer.zero_grad()
        loss = model(x, y)
        loss.backward()
        optimizer.step()
        losses.add(loss, length=model.log_length.exp().item(), noise=model.log_noise.exp().item())
    losses.save()
    new = torch.linspace(0, 6, 7, dtype=torch.float64).unsqueeze(1)
    mean, deviation = model.predict(x, y, new)
    for at, m, s in zip(new[:, 0].tolist(), mean.tolist(), deviation.tolist(), strict=True):
        print(f"x {at:.1f}  predicted {m:+.3f} ± {2 * s:.3f}  true {math.sin(2 * at):+.3f}")


if __name__ == "__main__":
    main()
