# torch.distributed.device_mesh: the mesh of devices, of which there is one.
"""The mesh of devices: types for isinstance, and refusals."""

from tapeless.distributed import _one

globals().update(_one.names(__name__, types="DeviceMesh", functions="init_device_mesh"))
