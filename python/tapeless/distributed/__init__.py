# torch.distributed, where there is one process: answers, constants, and PyTorch's own errors.
"""Distributed work is not available. What asks for it gets what PyTorch says before `init_process_group`."""

import enum
from typing import Any

from tapeless import _doors
from tapeless.distributed import device_mesh

_NO_GROUP = "Default process group has not been initialized, please make sure to call init_process_group."
_ONE = "torch.distributed.{}: distributed work is not available here; run one process, without it"

globals().update(
    _doors.answers(
        "is_available is_initialized is_mpi_available is_nccl_available is_gloo_available is_ucc_available "
        "is_xccl_available is_torchelastic_launched is_backend_available",
        False,
    )
)
globals().update(
    _doors.refusals(
        "get_rank get_world_size get_backend barrier monitored_barrier all_reduce reduce broadcast all_gather gather "
        "scatter all_gather_into_tensor all_gather_object all_to_all all_to_all_single broadcast_object_list "
        "gather_object scatter_object_list reduce_scatter reduce_scatter_tensor send recv isend irecv "
        "batch_isend_irecv get_global_rank get_group_rank get_process_group_ranks all_gather_coalesced "
        "all_reduce_coalesced send_object_list recv_object_list get_node_local_rank",
        ValueError,
        _NO_GROUP,
    )
)
globals().update(_doors.refusals("init_process_group new_group new_subgroups split_group", RuntimeError, _ONE))
destroy_process_group = _doors.refusing("destroy_process_group", AssertionError, "Process group cannot be None")
globals().update(
    _doors.kinds(
        "ProcessGroup ProcessGroupGloo ProcessGroupNCCL ProcessGroupMPI Store TCPStore FileStore HashStore PrefixStore "
        "Work P2POp GradBucket",
        "torch.distributed",
        _ONE,
    )
)


def get_default_backend_for_device(device: Any) -> str:
    """The backend that PyTorch would take for tensors of that device."""
    import tapeless

    return {"cuda": "nccl", "xpu": "xccl"}.get(tapeless.device(device).type, "gloo")


class DistError(RuntimeError):
    """The base of what distributed work raises."""


class DistBackendError(DistError):
    """A backend fails."""


class DistNetworkError(DistError):
    """The network fails."""


class DistStoreError(DistError):
    """A store fails."""


class ReduceOp(enum.Enum):
    """How values of several processes become one."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7
    PREMUL_SUM = 8


ReduceOp.RedOpType = ReduceOp  # type: ignore[attr-defined]
reduce_op = ReduceOp


class Backend(str):
    """The name of a backend, in lower case."""

    UNDEFINED = "undefined"
    GLOO = "gloo"
    NCCL = "nccl"
    UCC = "ucc"
    MPI = "mpi"
    XCCL = "xccl"

    def __new__(cls, name: str) -> Any:  # noqa: D102
        return str.__new__(cls, name.lower())


class GroupMember:
    """The groups of the process: none."""

    WORLD = None
    NON_GROUP_MEMBER = -100


group = GroupMember
DeviceMesh, init_device_mesh = device_mesh.DeviceMesh, device_mesh.init_device_mesh  # type: ignore[attr-defined]

from tapeless.distributed import distributed_c10d  # noqa: E402

__all__ = [
    "Backend",
    "DeviceMesh",
    "GroupMember",
    "ReduceOp",
    "device_mesh",
    "distributed_c10d",
    "group",
    "init_device_mesh",
]
