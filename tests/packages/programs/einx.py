# einx: rearranging, reducing, multiplying, indexing and softmax in Einstein-like notation, with gradients.
"""One call of each kind of operation on tensors."""

import einx
import torch


def main() -> dict[str, object]:
    """Results, and the gradient through all of them."""
    torch.manual_seed(0)
    x = torch.randn(2, 6, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    indices = torch.tensor([[0, 3], [5, 1]])
    found = {
        "split": einx.id("a (b c) d -> b a (c d)", x, b=3),
        "mean": einx.mean("a [b] c", x),
        "norm": einx.var("a (b [s]) c", x, s=2),
        "product": einx.dot("a b [c], [c] d -> a b d", x, weight),
        "sum": einx.add("a b c, c d -> a d b c", x, weight),
        "softmax": einx.softmax("a [b] c", x),
        "largest": einx.max("a b [c]", x),
        "taken": einx.get_at("a [b] c, a i -> a i c", x, indices),
        "flipped": einx.flip("a [b] c", x),
        "rolled": einx.roll("a [b] c", x, shift=2),
    }
    sum(value.square().sum() for value in found.values()).backward()
    return {**found, "x.grad": x.grad, "weight.grad": weight.grad}
