# torch.Size: the sizes of a tensor, a tuple that knows how many elements they make.
"""The type of `tensor.shape`."""

import math
from typing import Any

from tapeless import _core


class Size(tuple):
    """The size of each dimension of a tensor."""

    __slots__ = ()
    __module__ = "torch"

    def __new__(cls, sizes: Any = ()) -> Any:
        items = tuple(sizes)
        for at, item in enumerate(items):
            if not hasattr(item, "__index__"):
                kind = type(item).__name__
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {at} is '{kind}')")
        return tuple.__new__(cls, (item if type(item) is int else item.__index__() for item in items))

    def numel(self) -> int:
        """The number of elements of a tensor of this size."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    __str__ = __repr__

    def __add__(self, other: Any) -> Any:
        return Size(tuple(self) + tuple(other))

    def __mul__(self, count: Any) -> Any:
        return Size(tuple(self) * count)

    __rmul__ = __mul__

    def __getitem__(self, key: Any) -> Any:
        item = tuple.__getitem__(self, key)
        return Size(item) if isinstance(key, slice) else item

    def __reduce__(self) -> Any:
        return (Size, (tuple(self),))


_core._set_size_type(Size)
