# pytorch-minimize: quasi-Newton, Newton and trust-region minimization, with constraints and for least squares.
"""Rosenbrock's function by each method, and an exponential fitted to points."""

import torch
from torchmin import Minimizer, least_squares, minimize, minimize_constr
from torchmin.benchmarks import rosen

METHODS = "bfgs l-bfgs cg newton-cg newton-exact trust-ncg trust-exact".split()


def main() -> dict[str, object]:
    """Minima, and the numbers of iterations where rounding does not decide them."""
    torch.manual_seed(0)
    start = torch.tensor([1.3, 0.7, 0.8, 1.9, 1.2], dtype=torch.float64)
    found = {}
    for method in METHODS:
        result = minimize(rosen, start, method=method)
        found[method] = result.x
        found[f"{method} value"] = result.fun
        found[f"{method} iterations"] = result.nit
    bounded = minimize_constr(rosen, start, constr={"fun": lambda x: x.square().sum(), "ub": 3.0}, tol=1e-9)
    found["constrained"] = bounded.x
    times = torch.linspace(0, 2, 20, dtype=torch.float64)
    points = 2.0 * torch.exp(-1.3 * times) + 0.5 + 0.01 * torch.randn(20, dtype=torch.float64)
    fit = least_squares(
        lambda p: p[0] * torch.exp(p[1] * times) + p[2] - points, torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)
    )
    found["least squares"] = fit.x
    parameter = torch.nn.Parameter(start.clone())
    optimizer = Minimizer([parameter], method="newton-cg")

    def closure():
        optimizer.zero_grad()
        return rosen(parameter)

    found["optimizer"] = optimizer.step(closure)
    return {**found, "parameter": parameter}
