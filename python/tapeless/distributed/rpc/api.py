# torch.distributed.rpc.api: calls to other processes, of which there is one.
"""Calls to other processes: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, types="RRef", functions="_require_initialized"))
