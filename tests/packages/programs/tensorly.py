# tensorly: decompositions of tensors on this library as its backend.
"""CP, Tucker and tensor-train decompositions, and a gradient through a reconstruction."""

import tensorly as tl
import torch
from tensorly.decomposition import non_negative_tucker, parafac, tensor_train, tucker


def main() -> dict[str, object]:
    """Reconstruction errors and norms of the factors."""
    tl.set_backend("pytorch")
    torch.manual_seed(0)
    factors = [torch.randn(n, 3, dtype=torch.float64) for n in (6, 7, 8)]
    full = torch.einsum("ar,br,cr->abc", *factors)
    cp = parafac(tl.tensor(full), rank=3, n_iter_max=200, tol=1e-12, random_state=0, init="svd")
    core, matrices = tucker(full, rank=[3, 3, 3])
    train = tensor_train(full, rank=[1, 3, 3, 1])
    positive, _ = non_negative_tucker(full.abs(), rank=[4, 4, 4], n_iter_max=20, init="svd")
    weights = torch.ones(3, dtype=torch.float64)
    moving = [f.clone().requires_grad_() for f in factors]
    (tl.cp_to_tensor((weights, moving)) - full * 1.1).square().sum().backward()
    return {
        "cp error": tl.norm(tl.cp_to_tensor(cp) - full) / tl.norm(full) < 1e-3,
        "tucker core": core.norm(),
        "tucker error": tl.norm(tl.tucker_to_tensor((core, matrices)) - full) < 1e-9,
        "train error": tl.norm(tl.tt_to_tensor(train) - full) < 1e-9,
        "positive": positive.norm(),
        "unfolded": tl.unfold(full, 1).norm(dim=1),
        "gradient": moving[0].grad,
    }
