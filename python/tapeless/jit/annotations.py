# torch.jit.annotations: Python's own names of types.
"""The names of types that old programs import from here."""

from typing import Any, Final, List, Optional, Union  # noqa: UP035


class _BroadcastingList:
    """`BroadcastingList2[int]`: a number, or a list of two."""

    def __getitem__(self, item: Any) -> Any:
        return item | list[item]


BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = BroadcastingList4 = _BroadcastingList()
BroadcastingList5 = BroadcastingList6 = BroadcastingList1

__all__ = ["BroadcastingList1", "BroadcastingList2", "BroadcastingList3", "Any", "Final", "List", "Optional", "Union"]
