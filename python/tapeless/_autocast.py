# The policy of a function written in Python under autocast, stated where the function is.
"""`@autocasts("lower")`: under autocast the function's floating operands are converted, and its body runs without."""

import functools
from collections.abc import Callable
from typing import Any

from tapeless import _core


def autocasts(policy: str) -> Callable[[Any], Any]:
    """Gives a function a policy: "lower" for the precision of the context, "float32" for what is sensitive."""

    def decorate(function: Any) -> Any:
        return functools.update_wrapper(_core._casting(policy, function), function)

    return decorate
