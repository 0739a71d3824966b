# torch.distributed.distributed_c10d: names of torch.distributed under the module that PyTorch has them in.
"""What packages import from the module behind `torch.distributed`."""

from tapeless import _doors, distributed

globals().update({name: value for name, value in vars(distributed).items() if not name.startswith("_")})
_get_default_group = _doors.refusing("_get_default_group", ValueError, distributed._NO_GROUP)
_new_process_group_helper = _doors.refusing("_new_process_group_helper", RuntimeError, distributed._NO_GROUP)
