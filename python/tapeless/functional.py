# torch.functional: an old module of functions that the namespace has itself.
"""The functions of `torch` that PyTorch defines in Python, under that module's name."""

import tapeless

__all__ = [
    *("atleast_1d", "atleast_2d", "atleast_3d", "align_tensors", "block_diag", "broadcast_shapes", "broadcast_tensors"),
    *("cartesian_prod", "cdist", "chain_matmul", "einsum", "lu", "meshgrid", "norm", "split", "stft", "tensordot"),
    *("unique", "unique_consecutive", "unravel_index"),
]
__all__ = [name for name in __all__ if hasattr(tapeless, name)]
globals().update({name: getattr(tapeless, name) for name in __all__})
