# torch._inductor.utils: a cache that does not exist, fresh.
"""What programs import from the helpers of PyTorch's code generator."""

import contextlib
from typing import Any


def fresh_inductor_cache(*args: Any, **kwargs: Any) -> Any:
    """A context manager that does nothing: nothing is generated or cached."""
    return contextlib.nullcontext()


fresh_cache = fresh_inductor_cache
