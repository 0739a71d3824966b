# torch.cuda.sparse: typed constructors of sparse CUDA tensors, none of which can be made.
"""Sparse tensors on CUDA devices: neither is here."""

from tapeless import _doors, _typed

globals().update(
    _doors.kinds(" ".join(_typed.CLASSES), "torch.cuda.sparse", "Torch not compiled with CUDA enabled", TypeError)
)
