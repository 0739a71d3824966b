# torch.distributed.tensor.experimental: tensors spread over processes, of which there is one.
"""Tensors spread over processes: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, functions="implicit_replication"))
