# torch.distributed._tensor.experimental: an older name of torch.distributed.tensor.experimental, of which there is one.
"""An older name of torch.distributed.tensor.experimental: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, functions="implicit_replication"))
