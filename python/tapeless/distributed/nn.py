# torch.distributed.nn: modules across processes, of which there is one.
"""Modules across processes: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, types="RemoteModule"))
