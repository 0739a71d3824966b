# torch.distributed.checkpoint.state_dict: checkpoints of several processes, of which there is one.
"""Checkpoints of several processes: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(
    _one.names(
        __name__,
        types="StateDictOptions",
        functions="get_model_state_dict get_optimizer_state_dict set_model_state_dict set_optimizer_state_dict "
        "get_state_dict set_state_dict",
    )
)
