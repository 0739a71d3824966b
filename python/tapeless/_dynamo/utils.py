# torch._dynamo.utils: the few helpers of PyTorch's tracer that programs use.
"""Counters that stay empty, and a comparison."""

from collections import Counter, defaultdict
from typing import Any

import tapeless
from tapeless import _doors

counters: defaultdict[str, Counter[str]] = defaultdict(Counter)
globals().update(_doors.answers("is_compile_supported", True))


def same(ref: Any, res: Any, tol: float = 1e-4, equal_nan: bool = False, **settings: Any) -> bool:
    """Whether two results, nested alike, agree within a tolerance."""
    if isinstance(ref, (list, tuple)):
        pairs = zip(ref, res, strict=False)
        return len(ref) == len(res) and all(same(a, b, tol, equal_nan) for a, b in pairs)
    if isinstance(ref, dict):
        return ref.keys() == res.keys() and all(same(ref[key], res[key], tol, equal_nan) for key in ref)
    if isinstance(ref, tapeless.Tensor):
        return ref.shape == res.shape and tapeless.allclose(ref, res, rtol=tol, atol=tol, equal_nan=equal_nan)
    return ref == res
