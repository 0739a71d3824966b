"""The rows of the table as tests see them: cases, operands drawn for them, references and how near is near."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.row_references import (
    KINKS,
    REFERENCES,
    SIZES,
    SPECIAL,
    STEPWISE,
    Array,
    rounded,
    special_values,
)
from tests.subject import torch

Row = dict[str, Any]
ROWS: list[Row] = torch._core._row_facts()
FLOATING = ["float16", "bfloat16", "float32", "float64"]
HALVES = ["float16", "bfloat16"]
INTEGRAL = ["bool", "uint8", "int8", "int16", "int32", "int64"]
COMPLEX = ["complex64", "complex128"]
ALL = INTEGRAL + FLOATING + COMPLEX


def over(rows: Sequence[Row]) -> pytest.MarkDecorator:
    """One test for each of the rows, named for it."""
    assert rows
    return pytest.mark.parametrize("row", rows, ids=[row["name"] for row in rows])


def cases(dtypes: Sequence[str]) -> pytest.MarkDecorator:
    """One test for each row with each of these dtypes that is in its domain."""
    pairs = [(row, dtype) for row in ROWS for dtype in dtypes if dtype in row["dtypes"]]
    return pytest.mark.parametrize(("row", "dtype"), pairs, ids=[f"{r['name']}-{d}" for r, d in pairs])


def with_arity(least: int) -> list[Row]:
    """The rows of at least so many operands."""
    return [row for row in ROWS if row["arity"] >= least]


DIFFERENTIABLE = [row for row in ROWS if row["differentiable"] and "float64" in row["dtypes"]]
COMPLEX_ROWS = [row for row in DIFFERENTIABLE if "complex128" in row["dtypes"]]


# --- Operands and results as arrays ---


def is_condition(row: Row, k: int) -> bool:
    """Whether operand k is bool whatever the dtype."""
    return bool((row["bool_operands"] >> k) & 1)


def draw(row: Row, dtype: str, shape: tuple[int, ...], generator: np.random.Generator) -> list[Array]:
    """Random operands from where the row says that tests draw them."""
    low, high = row["low"], row["high"]
    operands = []
    for k in range(row["arity"]):
        if is_condition(row, k) or dtype == "bool":
            x = generator.random(shape) < 0.5
        elif dtype in INTEGRAL:
            least = 1 if row["data_errors"] and k == 1 else (0 if dtype == "uint8" else -9)
            x = generator.integers(least, 10, shape).astype(dtype)
        elif dtype in COMPLEX:
            x = generator.uniform(low, high, (2, *shape))
            x = (x[0] + 1j * x[1]).astype(dtype)
        else:
            x = rounded(generator.uniform(low, high, shape), dtype)
        operands.append(np.asarray(x))
    return operands


def tensor(x: Array, dtype: str | None = None) -> Any:
    """A tensor of an array's values, in a storage of its own; bfloat16 comes as float32."""
    made = torch.tensor(x) if x.ndim else torch.tensor(x.item(), dtype=getattr(torch, x.dtype.name))
    return made if dtype is None else made.to(getattr(torch, dtype))


def tensors(row: Row, operands: Sequence[Array], dtype: str) -> list[Any]:
    """The operands as tensors; conditions stay bool."""
    return [tensor(x, "bool" if is_condition(row, k) else dtype) for k, x in enumerate(operands)]


def array(x: Any) -> Array:
    """A tensor's values, bfloat16 as float32."""
    x = x.detach()
    return (x.float() if x.dtype == torch.bfloat16 else x).numpy().copy()


def same_bits(x: Array, y: Array) -> bool:
    """Equal dtypes and values bit for bit, but for the payload of a NaN."""
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    if x.dtype.kind == "c":
        return same_bits(x.real.copy(), y.real.copy()) and same_bits(x.imag.copy(), y.imag.copy())
    if x.dtype.kind != "f":
        return bool((x == y).all())
    both_nan = np.isnan(x) & np.isnan(y)
    return bool((both_nan | ((x == y) & (np.signbit(x) == np.signbit(y)))).all())


def function_of(row: Row, suffix: str = "") -> Any:
    """The row's public function, or what nn.functional takes it for; with the suffix "_" in place."""
    if row["serves_nn"]:
        return torch._core.nn_functions[row["name"] + suffix]
    return getattr(torch.Tensor if suffix else torch, row["name"] + suffix)


def has_in_place_form(row: Row) -> bool:
    """Whether x.name_() exists, or its like for nn.functional."""
    if row["serves_nn"]:
        return row["name"] + "_" in torch._core.nn_functions
    return hasattr(torch.Tensor, row["name"] + "_")


def call(row: Row, operands: Sequence[Any]) -> Any:
    """The row's function of its tensors; operands that are numbers are left out."""
    return function_of(row)(*operands)


def result_name(row: Row, dtype: str) -> str:
    """The dtype of the row's result, by the rules that the table states."""
    if row["result"] == "bool":
        return "bool"
    if row["result"] == "real" and dtype in COMPLEX:
        return {"complex64": "float32", "complex128": "float64"}[dtype]
    return dtype


def reference(row: Row, operands: Sequence[Array], dtype: str) -> Array:
    """NumPy's results: integers in their dtype, all else in double precision and then rounded."""
    wide = {"f": np.float64, "c": np.complex128}
    # The quotient of floor_divide is a matter of the precision at hand, as are sums of several roundings.
    if row["name"] in STEPWISE and dtype not in COMPLEX:
        operands = [x.astype(np.float32) if dtype in HALVES else x for x in operands]
    elif not (row["name"] == "floor_divide" and dtype != "bfloat16"):
        operands = [x.astype(wide.get(x.dtype.kind, x.dtype)) for x in operands]
    with np.errstate(all="ignore"):
        out = np.asarray(REFERENCES[row["name"]](*operands))
    if row["name"] == "nan_to_num" and dtype in FLOATING:
        largest = float(special_values(dtype)[len(SPECIAL) + 2])
        out = np.clip(out, -largest, largest)
    return rounded(out, result_name(row, dtype))


def sizes_of(row: Row, operands: Sequence[Array], dtype: str) -> Array | None:
    """Of what size the parts of compound formulas are; infinite where the dtype cannot hold them."""
    if row["name"] not in SIZES:
        return None
    with np.errstate(all="ignore"):
        size = SIZES[row["name"]](*(x.astype(np.float64) for x in operands))
        return np.where(np.isfinite(rounded(8 * size, dtype)), size, np.inf)


def assert_near(
    actual: Array, expected: Array, ulps: float, dtype: str, operands: Any, sizes: Array | None = None
) -> None:
    """Equal, zeros in sign too, or so many units in the last place apart; NaN where NaN is.

    Units are those of `sizes` where they are given; what is infinite there is not compared.
    """
    assert actual.shape == expected.shape
    if sizes is not None:
        finite = np.isfinite(sizes)
        with np.errstate(all="ignore"):
            unit = np.spacing(sizes.astype(actual.dtype)) * (2.0**16 if dtype == "bfloat16" else 1)
            good = (np.abs(actual - expected) <= ulps * unit) | (np.isnan(actual) & np.isnan(expected))
        actual = np.where(good | ~finite, expected, actual)
    if actual.dtype.kind == "f":
        with np.errstate(all="ignore"):
            unit = np.spacing(np.abs(expected)) * (2.0**16 if dtype == "bfloat16" else 1)
            near = np.abs(actual - expected) <= ulps * unit
            equal = (actual == expected) & (np.signbit(actual) == np.signbit(expected))
        good = equal | (near & (actual != expected)) | (np.isnan(actual) & np.isnan(expected))
    else:
        good = actual == expected
    if not good.all():
        at = np.flatnonzero(~good.ravel())[:5]
        lines = [
            f"  f({', '.join(repr(x.ravel()[i]) for x in operands)}) gave "
            f"{actual.ravel()[i]!r}, not {expected.ravel()[i]!r}"
            for i in at
        ]
        raise AssertionError(f"{(~good).sum()} of {good.size} results differ:\n" + "\n".join(lines))


def away_from_kinks(row: Row, operands: list[Array], distance: float) -> list[Array]:
    """Those of the operands where the row is smooth."""
    if row["name"] not in KINKS:
        return operands
    keep = KINKS[row["name"]](*operands) > distance
    return [x[keep] for x in operands]
