# torch.distributed.rpc: calls to other processes, of which there is one.
"""Calls to other processes: types for isinstance, and refusals."""

from tapeless.distributed import _one
from tapeless.distributed.rpc import api

globals().update(
    _one.names(
        __name__,
        types="RRef PyRRef RpcBackendOptions TensorPipeRpcBackendOptions WorkerInfo",
        functions="init_rpc shutdown rpc_async rpc_sync remote get_worker_info",
    )
)

__all__ = ["api"]
