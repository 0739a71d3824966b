# torch.ops: operations by namespace and name.
"""`torch.ops.NAMESPACE.NAME`; see `tapeless._ops`. Compiled libraries of operations cannot be loaded."""

from typing import Any, NoReturn

from tapeless import _ops

loaded_libraries: set[str] = set()


def load_library(path: Any) -> NoReturn:
    """OSError: a library of operations is compiled against PyTorch's own C++."""
    raise OSError(
        f"torch.ops.load_library: {path} is compiled for PyTorch's C++ library, which is not here; write the operation "
        "in Python, by torch.autograd.Function or torch.library.custom_op"
    )


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'tapeless.ops' has no attribute {name!r}", name=name)
    return _ops.namespace(name)
