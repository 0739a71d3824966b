# torch._vmap_internals: vmap under an older name.
"""What packages import from the module that had vmap first."""

from collections.abc import Callable
from typing import Any

from tapeless.func import vmap


def _vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, allow_none_pass_through: bool = False) -> Any:
    """`torch.func.vmap`."""
    return vmap(func, in_dims, out_dims)


__all__ = ["vmap"]
