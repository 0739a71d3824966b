# torch_optimizer: twenty-five optimizers of papers, and Lookahead, on Rosenbrock's function.
"""Each takes thirty steps from the same point, in float64."""

import torch
import torch_optimizer

NAMES = (
    "A2GradExp AccSGD AdaBelief AdaBound AdaMod Adahessian AdamP AggMo Apollo DiffGrad Lamb MADGRAD NovoGrad PID "
    "QHAdam QHM RAdam Ranger RangerQH RangerVA SGDP SGDW SWATS Yogi Adafactor"
).split()


def rosenbrock(point: torch.Tensor) -> torch.Tensor:
    """The banana-shaped valley with its minimum at (1, 1)."""
    x, y = point[:, 0], point[:, 1]
    return ((1 - x) ** 2 + 10 * (y - x**2) ** 2).sum()


def path(name: str) -> torch.Tensor:
    """Where an optimizer gets to, step by step."""
    torch.manual_seed(0)
    point = torch.tensor([[-0.5, 0.7]], dtype=torch.float64, requires_grad=True)
    options = {"lr": 1e-3} if name not in {"A2GradExp", "Adahessian", "Adafactor"} else {}
    optimizer = getattr(torch_optimizer, name)([point], **options)
    points = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = rosenbrock(point)
        loss.backward(create_graph=name == "Adahessian")
        optimizer.step()
        points.append(point.detach().clone())
    return torch.cat(points)


def main() -> dict[str, object]:
    """The path of each optimizer, and of two wrapped in Lookahead."""
    found = {name: path(name) for name in NAMES}
    point = torch.tensor([[-0.5, 0.7]], requires_grad=True, dtype=torch.float64)
    wrapped = torch_optimizer.Lookahead(torch_optimizer.Yogi([point], lr=0.01), k=5, alpha=0.5)
    for _ in range(20):
        wrapped.zero_grad()
        rosenbrock(point).backward()
        wrapped.step()
    return {**found, "Lookahead": point}
