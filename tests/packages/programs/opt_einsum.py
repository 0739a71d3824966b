# opt_einsum: contractions of many tensors in a good order, on this library's tensors.
"""Contract networks of tensors with every path finder, with gradients through the contraction."""

import opt_einsum
import torch


def main() -> dict[str, object]:
    """Values, gradients, and a reusable expression."""
    torch.manual_seed(0)
    a, b, c, d = (
        torch.randn(*size, dtype=torch.float64, requires_grad=True) for size in ((8, 9), (9, 10), (10, 11), (11, 8))
    )
    results = {}
    for optimize in ("greedy", "optimal", "dp", "branch-2"):
        results[optimize] = opt_einsum.contract("ij,jk,kl,li->", a, b, c, d, optimize=optimize, backend="torch")
    results["greedy"].backward()
    expression = opt_einsum.contract_expression("bij,bjk->bik", (4, 5, 6), (4, 6, 7))
    results["expression"] = expression(torch.ones(4, 5, 6), torch.arange(168.0).reshape(4, 6, 7), backend="torch")
    results["outer"] = opt_einsum.contract("a,b,c->abc", torch.arange(3.0), torch.arange(4.0), torch.arange(2.0))
    return {**results, "a.grad": a.grad, "d.grad": d.grad}
