"""Every row of the table keeps the promises of a row; generated from the rows themselves."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.row_cases import (
    ALL,
    COMPLEX,
    COMPLEX_ROWS,
    DIFFERENTIABLE,
    FLOATING,
    HALVES,
    INTEGRAL,
    ROWS,
    Row,
    array,
    assert_near,
    away_from_kinks,
    call,
    cases,
    draw,
    function_of,
    has_in_place_form,
    is_condition,
    over,
    reference,
    result_name,
    same_bits,
    sizes_of,
    tensor,
    tensors,
    with_arity,
)
from tests.row_references import (
    COMPLEX_SIZES,
    EXACT,
    KINKS,
    REFERENCES,
    ULPS,
    ULPS_OF_FLOAT64,
    Array,
    integer_values,
    numpy_dtype,
    rounded,
    special_values,
)
from tests.settings import DEFERRAL_SETTINGS, deferral
from tests.subject import torch

pytestmark = pytest.mark.filterwarnings("error")


# --- The table itself ---


def test_every_row_has_a_reference():
    names = [row["name"] for row in ROWS]
    assert len(names) == len(set(names)) >= 50
    assert set(names) == set(REFERENCES)


@over([row for row in ROWS if not row["serves_nn"]])
def test_a_row_is_a_function_a_method_and_its_aliases(row: Row):
    x = draw(row, row["dtypes"][-1], (3,), np.random.default_rng(0))
    operands = tensors(row, x, row["dtypes"][-1])
    expected = array(call(row, operands))
    for name in filter(None, (row["name"], row["alias"])):
        assert row["doc"] in torch._core.functions[name].__doc__
        assert same_bits(array(getattr(torch, name)(*operands)), expected)
        rest = operands[1:]
        if row["bool_operands"]:  # As a method, where is called on what it chooses from.
            operands = [rest[0], operands[0], rest[1]]
        assert same_bits(array(getattr(operands[0], name)(*operands[1:])), expected)
        assert hasattr(torch.Tensor, name + "_") == row["in_place"]


@over([row for row in ROWS if row["serves_nn"]])
def test_a_row_of_nn_functional_is_no_function_of_the_namespace(row: Row):
    assert row["doc"] in function_of(row).__doc__
    assert not hasattr(torch.Tensor, row["name"])
    assert has_in_place_form(row) == row["in_place"]


@over(ROWS)
def test_other_dtypes_are_refused(row: Row):
    refused = set(ALL) - set(row["dtypes"])
    if row["keeps_integers"]:
        refused -= set(INTEGRAL) - {"bool"}
    if row["promotion"] == "float":
        refused -= set(INTEGRAL)
    if row["promotion"] == "count":
        refused -= {"bool"}
    for dtype in sorted(refused):
        x = tensors(row, [np.ones(3)] * row["arity"], dtype)
        with pytest.raises(RuntimeError):
            call(row, x)


# --- Forward ---


def ulps_of(row: Row, dtype: str) -> float:
    """How far results may be from the reference, whose own error counts for float64."""
    if row["name"] in EXACT:
        return 0
    several = max(ULPS.get(row["name"], 0), ULPS_OF_FLOAT64.get(row["name"], 0) if dtype == "float64" else 0)
    return max(several, 1.01 if dtype in HALVES else 2.5 if dtype == "float64" else 1.51)


@cases(FLOATING)
def test_forward_is_numpys(row: Row, dtype: str, seed: int):
    operands = draw(row, dtype, (7, 31), np.random.default_rng(seed))
    out = call(row, tensors(row, operands, dtype))
    assert out.dtype == getattr(torch, result_name(row, dtype))
    sizes = sizes_of(row, operands, dtype)
    assert_near(array(out), reference(row, operands, dtype), ulps_of(row, dtype), dtype, operands, sizes)


@cases(FLOATING)
def test_special_values_are_numpys(row: Row, dtype: str):
    values = special_values(dtype)
    columns = [[False, True] if is_condition(row, k) else values for k in range(row["arity"])]
    operands = [np.array(x) for x in zip(*itertools.product(*columns), strict=True)]
    if row["arity"] == 1:
        operands = [values]
    operands = [x if x.dtype == bool else x.astype(numpy_dtype(dtype)) for x in operands]
    out = call(row, tensors(row, operands, dtype))
    sizes = sizes_of(row, operands, dtype)
    assert_near(array(out), reference(row, operands, dtype), ulps_of(row, dtype), dtype, operands, sizes)


@cases(INTEGRAL)
def test_integers_are_numpys_and_wrap(row: Row, dtype: str):
    values = integer_values(dtype)
    columns = [[False, True] if is_condition(row, k) else values for k in range(row["arity"])]
    operands = [np.array(x) for x in zip(*itertools.product(*columns), strict=True)]
    operands = [x if x.dtype == bool else x.astype(dtype) for x in operands]
    if row["data_errors"]:
        operands = [x[operands[1] > 0] for x in operands]
    out = call(row, tensors(row, operands, dtype))
    assert out.dtype == getattr(torch, result_name(row, dtype))
    assert_near(array(out), reference(row, operands, dtype), 0, dtype, operands)


def test_the_smallest_integer_over_minus_one_wraps():
    for dtype in ("int8", "int16", "int32", "int64"):
        least = int(np.iinfo(dtype).min)
        x = torch.tensor([least, least, 7, -7], dtype=getattr(torch, dtype))
        y = torch.tensor([-1, 2, -2, 2], dtype=getattr(torch, dtype))
        assert torch.floor_divide(x, y).tolist() == [least, least // 2, -4, -4]
        assert torch.remainder(x, y).tolist() == [0, 0, -1, 1]


@over([row for row in ROWS if row["promotion"] == "float" or row["keeps_integers"]])
@pytest.mark.parametrize("dtype", INTEGRAL[1:])
def test_integers_become_floats_or_stay(row: Row, dtype: str):
    operands = [np.array([1, 2, 3, 5, 100], dtype)] * row["arity"]
    out = call(row, tensors(row, operands, dtype))
    kept = row["keeps_integers"]
    assert out.dtype == (getattr(torch, dtype) if kept else torch.float32)
    wide = [x.astype(np.float64) for x in operands]
    expected = operands[0] if kept else reference(row, wide, "float32")
    assert_near(array(out), expected, ulps_of(row, "float32"), "float32", operands)


@cases(HALVES)
def test_halves_are_computed_in_float32_and_rounded_once(row: Row, dtype: str, seed: int):
    operands = draw(row, dtype, (300,), np.random.default_rng(seed))
    x = tensors(row, operands, dtype)
    wide = call(row, [v if v.dtype == torch.bool else v.float() for v in x])
    assert same_bits(array(call(row, x)), rounded(array(wide), result_name(row, dtype)))


@cases(COMPLEX)
def test_complex_forward_is_numpys(row: Row, dtype: str, seed: int):
    operands = draw(row, dtype, (5, 33), np.random.default_rng(seed))
    out = call(row, tensors(row, operands, dtype))
    expected = reference(row, operands, dtype)
    assert out.dtype == getattr(torch, result_name(row, dtype))
    actual = array(out)
    if actual.dtype == bool:
        assert (actual == expected).all()
        return
    bound = 2e-6 if dtype == "complex64" else 4e-15
    size = COMPLEX_SIZES[row["name"]](*operands) if row["name"] in COMPLEX_SIZES else 0.01
    assert (np.abs(actual - expected) <= bound * np.maximum(np.abs(expected), size)).all()


# --- Shapes and strides ---


def layouts(x: Any) -> dict[str, Any]:
    """The same values of a matrix in other storages: transposed, every other element, a slice."""
    spread = torch.zeros(x.shape[0], 2 * x.shape[1], dtype=x.dtype)
    spread[:, ::2] = x
    shifted = torch.zeros(x.shape[0] + 2, x.shape[1] + 3, dtype=x.dtype)
    shifted[1:-1, 3:] = x
    return {
        "transposed": x.t().contiguous().t(),
        "spread": spread[:, ::2],
        "shifted": shifted[1:-1, 3:],
    }


@cases(["bool", "int32", "bfloat16", "float32", "float64", "complex64"])
def test_strides_do_not_change_bits(row: Row, dtype: str, seed: int):
    operands = tensors(row, draw(row, dtype, (9, 13), np.random.default_rng(seed)), dtype)
    expected = array(call(row, operands))
    ways = [layouts(x) for x in operands]
    for way in ways[0]:
        assert same_bits(array(call(row, [other[way] for other in ways])), expected), way
        mixed = [ways[0][way], *operands[1:]]
        assert same_bits(array(call(row, mixed)), expected), f"{way}, the first only"
    if not (row["identity_on_reals"] and dtype not in COMPLEX):
        out = call(row, [other["transposed"] for other in ways])
        assert out.stride() == (1, 9)


@cases(["int64", "bfloat16", "float32", "complex128"])
def test_operands_broadcast(row: Row, dtype: str, seed: int):
    shape = (4, 3, 5)
    operands = tensors(row, draw(row, dtype, shape, np.random.default_rng(seed)), dtype)
    narrow = [operands[0][:, :1]]
    narrow += [x[0, :, :1] for x in operands[1:2]] + [x[0, 0, 0] for x in operands[2:]]
    full = [x.expand(shape if row["arity"] > 1 else x.shape) for x in narrow]
    expected = call(row, [x.contiguous() for x in full])
    assert call(row, narrow).shape == expected.shape
    assert same_bits(array(call(row, narrow)), array(expected))
    assert same_bits(array(call(row, full)), array(expected)), "expanded"


@over([row for row in with_arity(2) if not row["bool_operands"]])
def test_numbers_are_tensors_of_one_value(row: Row, seed: int):
    dtype = "float32" if "float32" in row["dtypes"] else "int32"
    number = 1.5 if dtype == "float32" else 3
    x = tensors(row, draw(row, dtype, (50,), np.random.default_rng(seed)), dtype)
    filled = torch.full((50,), number, dtype=x[0].dtype)
    for k in range(1, row["arity"]):
        if row["tensor_operands"] >> k & 1:
            with pytest.raises(TypeError, match="must be Tensor"):
                call(row, [x[0], number])
            continue
        given = [number if j == k else v for j, v in enumerate(x)]
        expected = call(row, [filled if j == k else v for j, v in enumerate(x)])
        if row["name"] == "clamp":  # It takes numbers for both bounds or tensors for both.
            given = [x[0], number, number]
            expected = call(row, [x[0], filled, filled])
        assert same_bits(array(call(row, given)), array(expected))


@cases(["bool", "int32", "float16", "float32", "complex64"])
def test_empty_and_zero_dimensional(row: Row, dtype: str, seed: int):
    operands = tensors(row, draw(row, dtype, (1,), np.random.default_rng(seed)), dtype)
    expected = call(row, operands)
    single = call(row, [x[0] for x in operands])
    assert single.shape == () and single.dtype == expected.dtype
    assert same_bits(array(single).reshape(1), array(expected))
    nothing = call(row, [x.expand(4, 1)[:, :0] for x in operands])
    assert nothing.shape == (4, 0) and nothing.dtype == expected.dtype
    if row["arity"] > 1:
        nothing = call(row, [operands[0][:0], *operands[1:]])
        assert nothing.shape == (0,) and nothing.dtype == expected.dtype


# --- Other forms ---


@cases(["bool", "int32", "bfloat16", "float32", "float64", "complex64"])
def test_in_place_is_out_of_place(row: Row, dtype: str, seed: int):
    if not row["in_place"]:
        assert not has_in_place_form(row)
        return
    operands = tensors(row, draw(row, dtype, (6, 11), np.random.default_rng(seed)), dtype)
    out = call(row, operands)
    for way, x in {"dense": operands[0].clone(), **layouts(operands[0])}.items():
        method = functools.partial(function_of(row, "_"), x)
        if not torch.can_cast(out.dtype, x.dtype) or (row["result"] == "real" and x.is_complex()):
            with pytest.raises(RuntimeError):
                method(*operands[1:])
            continue
        assert method(*operands[1:]) is x
        assert same_bits(array(x), array(out.to(x.dtype))), way


@cases(["bool", "int32", "bfloat16", "float32", "float64", "complex64"])
def test_out_receives_the_result(row: Row, dtype: str, seed: int):
    operands = tensors(row, draw(row, dtype, (6, 11), np.random.default_rng(seed)), dtype)
    expected = call(row, operands)
    function = function_of(row)
    out = torch.zeros(6, 11, dtype=expected.dtype)
    assert function(*operands, out=out) is out
    assert same_bits(array(out), array(expected))
    into = torch.zeros(11, 6, dtype=expected.dtype).t()
    function(*operands, out=into)
    assert into.stride() == (1, 11 - 5) and same_bits(array(into), array(expected))
    resized = torch.empty(0, dtype=expected.dtype)
    function(*operands, out=resized)
    assert resized.shape == (6, 11) and same_bits(array(resized), array(expected))


@cases(["bool", "int32", "float16", "bfloat16", "float32", "float64", "complex64"])
def test_deferral_settings_agree_bit_for_bit(row: Row, dtype: str, seed: int):
    generator = np.random.default_rng(seed)
    operands = tensors(row, draw(row, dtype, (20_003,), generator), dtype)
    results = []
    for setting in DEFERRAL_SETTINGS:
        with deferral(setting):
            results.append([array(x) for x in chain_of(row, operands, dtype)])
    for other in results[1:]:
        assert all(map(same_bits, other, results[0]))


def chain_of(row: Row, operands: Sequence[Any], dtype: str) -> list[Any]:
    """The row within a chain: its operands, its result and the gradients may be pending."""
    differentiable = row["differentiable"] and dtype not in INTEGRAL
    leaves = [x.clone().requires_grad_(differentiable and x.dtype != torch.bool) for x in operands]
    pending = [torch.where(x == x, x, x) for x in leaves]
    out = call(row, pending)
    again = torch.where(out == out, out, out)
    if not differentiable:
        return [out, again]
    wanted = [x for x, has in zip(leaves, row["gradients"], strict=True) if has]
    return [out, again, *torch.autograd.grad(again, wanted, torch.ones_like(again))]


# --- Derivatives ---


def gradients(row: Row, leaves: list[Any], wanted: list[int], g: Any, create_graph: bool) -> list[Any]:
    """The row's gradients; zeros where there is none."""
    out = call(row, leaves)
    found = torch.autograd.grad(out, [leaves[k] for k in wanted], g, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(leaves[k]) if x is None else x for k, x in zip(wanted, found, strict=True)]


def pulled(out: Array, g: Array) -> Array:
    """What finite differences differentiate: for element-wise work, one real loss an element."""
    return (np.conj(g) * out).real


def differences(function: Any, operands: list[Array], k: int, g: Array) -> Array:
    """Central differences of Re(conj(g) f); for a complex operand d/dRe + i d/dIm."""
    step = 1e-6
    total = np.zeros(operands[k].shape, operands[k].dtype)
    for direction in (1, 1j) if operands[k].dtype.kind == "c" else (1,):
        above, below = list(operands), list(operands)
        above[k] = operands[k] + step * direction
        below[k] = operands[k] - step * direction
        slope = (pulled(function(above), g) - pulled(function(below), g)) / (2 * step)
        total = total + slope * direction
    return total


def check_derivatives(row: Row, operands: list[Array], dtype: str, generator: Any) -> None:
    """First and second derivatives of the row against finite differences."""
    wanted = [k for k in range(row["arity"]) if row["gradients"][k]]

    def random_like(x: Array) -> Array:
        g = generator.uniform(0.5, 1.5, x.shape)
        return g + 1j * generator.uniform(0.5, 1.5, x.shape) if x.dtype.kind == "c" else g

    def forward(x: list[Array]) -> Array:
        return array(call(row, tensors(row, x, dtype)))

    g = random_like(forward(operands))

    def first(x: list[Array], which: int) -> Array:
        leaves = [v.requires_grad_(k in wanted) for k, v in enumerate(tensors(row, x, dtype))]
        return array(gradients(row, leaves, wanted, tensor(g), False)[which])

    leaves = [v.requires_grad_(k in wanted) for k, v in enumerate(tensors(row, operands, dtype))]
    made = gradients(row, leaves, wanted, tensor(g), True)
    for which, k in enumerate(wanted):
        expected = differences(forward, operands, k, g)
        np.testing.assert_allclose(first(operands, which), expected, rtol=2e-6, atol=2e-7)
        np.testing.assert_allclose(array(made[which]), first(operands, which), rtol=1e-13, atol=1e-14)
        v = random_like(operands[k])
        if made[which].requires_grad:
            second = torch.autograd.grad(
                made[which], [leaves[j] for j in wanted], tensor(v), allow_unused=True, retain_graph=True
            )
        else:
            second = [None] * len(wanted)
        for j, found in zip(wanted, second, strict=True):
            expected = differences(lambda x, which=which: first(x, which), operands, j, v)
            actual = np.zeros(expected.shape) if found is None else array(found)
            np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=2e-7)


@over(DIFFERENTIABLE)
def test_derivatives_are_finite_differences_to_second_order(row: Row, seed: int):
    generator = np.random.default_rng(seed)
    operands = away_from_kinks(row, draw(row, "float64", (60,), generator), 0.01)
    assert operands[0].size > 20
    check_derivatives(row, operands, "float64", generator)


@over(COMPLEX_ROWS)
def test_complex_gradients_follow_the_conjugate_convention(row: Row, seed: int):
    generator = np.random.default_rng(seed)
    operands = draw(row, "complex128", (40,), generator)
    if row["name"] in KINKS:
        operands = [x[np.abs(x) > 0.1] for x in operands]
    check_derivatives(row, operands, "complex128", generator)


@over(DIFFERENTIABLE)
def test_gradients_of_narrow_dtypes_are_those_of_float64(row: Row, seed: int):
    bounds = {"float32": 2e-6, "float16": 8e-3, "bfloat16": 6e-2}
    for dtype, bound in bounds.items():
        if dtype not in row["dtypes"]:
            continue
        drawn = draw(row, dtype, (60,), np.random.default_rng(seed))
        operands = away_from_kinks(row, drawn, 0.05)
        wanted = [k for k in range(row["arity"]) if row["gradients"][k]]
        found = {}
        for name in (dtype, "float64"):
            leaves = [v.requires_grad_(k in wanted) for k, v in enumerate(tensors(row, operands, name))]
            g = torch.ones(operands[0].shape, dtype=getattr(torch, name))
            found[name] = [array(x) for x in gradients(row, leaves, wanted, g, False)]
        for actual, expected in zip(found[dtype], found["float64"], strict=True):
            np.testing.assert_allclose(actual, expected, rtol=bound, atol=bound)


@over([row for row in DIFFERENTIABLE if row["arity"] > 1])
def test_gradients_of_broadcast_operands_are_sums(row: Row, seed: int):
    drawn = draw(row, "float64", (4, 5), np.random.default_rng(seed))
    wanted = [k for k in range(row["arity"]) if row["gradients"][k]]
    g = torch.ones(4, 5, dtype=torch.float64)
    for k in wanted:
        narrow = [x[:1] if j == k else x for j, x in enumerate(drawn)]
        wide = [np.broadcast_to(x, (4, 5)).copy() for x in narrow]
        found = []
        for operands in (narrow, wide):
            leaves = [v.requires_grad_(j in wanted) for j, v in enumerate(tensors(row, operands, "float64"))]
            found.append(array(gradients(row, leaves, wanted, g, False)[wanted.index(k)]))
        np.testing.assert_allclose(found[0], found[1].sum(0, keepdims=True), rtol=1e-12, atol=1e-13)


@cases(FLOATING)
def test_in_place_gradients_are_those_of_the_row(row: Row, dtype: str, seed: int):
    if not (row["in_place"] and row["differentiable"] and row["result"] != "bool"):
        assert not row["in_place"] or not row["differentiable"]
        return
    operands = tensors(row, draw(row, dtype, (30,), np.random.default_rng(seed)), dtype)
    wanted = [k for k in range(row["arity"]) if row["gradients"][k]]
    leaves = [x.clone().requires_grad_() for x in operands]
    g = torch.ones_like(leaves[0]).detach()
    expected = gradients(row, leaves, wanted, g, False)
    copy = leaves[0].clone()
    function_of(row, "_")(copy, *leaves[1:])
    found = torch.autograd.grad(copy, [leaves[k] for k in wanted], g, allow_unused=True)
    for actual, other in zip(found, expected, strict=True):
        actual = torch.zeros_like(other) if actual is None else actual
        assert same_bits(array(actual), array(other))
