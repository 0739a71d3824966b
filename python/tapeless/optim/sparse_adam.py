# SparseAdam: there are no sparse tensors here, so its name explains what to use.
"""What programs that ask for SparseAdam are told."""

from typing import Any

from tapeless.optim.optimizer import Optimizer, ParamsT

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for sparse gradients, which do not exist here: making one raises RuntimeError."""

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        raise RuntimeError(
            "SparseAdam: gradients are never sparse in Tapeless (there are no sparse tensors, and embeddings ignore "
            "sparse=True); use torch.optim.Adam, whose step is the same where every row has a gradient"
        )
