# Modules of settings, such as torch._dynamo.config: they keep what is written, and change nothing.
"""`patch` and the like of PyTorch's modules of settings."""

import contextlib
from collections.abc import Iterator
from typing import Any


def patcher(settings: dict[str, Any]) -> Any:
    """The `patch` of a module of settings, whose dictionary is given: a context manager and a decorator."""

    @contextlib.contextmanager
    def patch(arg1: Any = None, arg2: Any = None, **kwargs: Any) -> Iterator[None]:
        """Sets some of the settings within it: by a dictionary, by name and value, or by keywords."""
        changes = {**(arg1 if isinstance(arg1, dict) else {arg1: arg2} if arg1 else {}), **kwargs}
        unknown = [name for name in changes if name not in settings]
        if unknown:
            raise AttributeError(f"{settings['__name__']} has no setting {unknown[0]!r}")
        before = {name: settings[name] for name in changes}
        settings.update(changes)
        try:
            yield
        finally:
            settings.update(before)

    return patch
