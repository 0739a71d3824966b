# torch.distributed.autograd: gradients across processes, of which there is one.
"""Gradients across processes: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, functions="backward context get_gradients"))
