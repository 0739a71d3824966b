# torch.distributed.fsdp.wrap: which modules are sharded, of which there is one.
"""Which modules are sharded: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(
    _one.names(
        __name__,
        types="ModuleWrapPolicy",
        functions="transformer_auto_wrap_policy size_based_auto_wrap_policy enable_wrap wrap",
    )
)
