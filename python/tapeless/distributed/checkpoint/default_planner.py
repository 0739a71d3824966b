# torch.distributed.checkpoint.default_planner: checkpoints of several processes, of which there is one.
"""Checkpoints of several processes: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, types="DefaultLoadPlanner DefaultSavePlanner"))
