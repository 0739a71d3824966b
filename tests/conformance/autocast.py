"""Autocast against PyTorch: `python -m tests.conformance.autocast` compares the dtypes of results on names.txt."""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db

from tests.conformance.__main__ import NAMES, read_names

from .convert import carry, dtype_name
from .library import Library, Missing, Unsupported, operation

DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
SAMPLES = 4


def _dtypes(library: Library, value: Any) -> Any:
    if library.is_tensor(value):
        return dtype_name(value.dtype)
    if isinstance(value, (list, tuple)):
        return [_dtypes(library, x) for x in value]
    return type(value).__name__


def _outcome(library: Library, info: Any, sample: Any) -> Any:
    names = (info.name, f"Tensor.{info.name}")
    function = operation(info) if library.name == "torch" else library.function(operation(info), *names)
    first, args, kwargs = carry(library, [sample.input, sample.args, sample.kwargs], {})
    with library.module.autocast("cpu"):
        try:
            return _dtypes(library, function(first, *args, **kwargs))
        except (Missing, Unsupported):
            raise
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:90]}"


def _samples(info: Any) -> Iterator[tuple[str, Any]]:
    for dtype in DTYPES:
        try:
            samples = list(itertools.islice(info.sample_inputs("cpu", dtype), SAMPLES))
        except Exception:  # PyTorch has no samples in that dtype
            continue
        for index, sample in enumerate(samples):
            yield f"{dtype} #{index}", sample


def main() -> int:
    """Prints each name whose dtypes differ; 1 if there is one."""
    warnings.simplefilter("ignore")
    oracle, subject = Library("torch"), Library("tapeless")
    names = set(sys.argv[1:] or read_names(NAMES))
    compared = failed = 0
    for info in op_db:
        if info.full_name not in names:
            continue
        bad = []
        for label, sample in _samples(info):
            try:
                expected, actual = _outcome(oracle, info, sample), _outcome(subject, info, sample)
            except (Missing, Unsupported):
                continue
            compared += 1
            # A half type that one of the two refuses, here as without autocast, asks nothing.
            refused = isinstance(expected, str) or "not implemented for" in str(actual)
            if expected != actual and not refused:
                bad.append(f"{label}: {actual} where PyTorch has {expected}")
        if bad:
            failed += 1
            print(f"FAIL {info.full_name}: {len(bad)}, e.g. {bad[0]}")
    print(f"autocast: {compared} samples compared, {failed} names differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
