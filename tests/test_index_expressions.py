"""Random index expressions mean what NumPy means, with gradients that follow from which elements they name.

`make conformance` compares more of them with PyTorch. NumPy's own reading of a key is used where the two libraries
agree; what a gradient must be follows from the same key applied to the elements' numbers.
"""

import warnings

import numpy as np
import pytest

from tests.index_expressions import Expression, Item, generate, laid_out, picked, shape_of
from tests.settings import IS_PYTORCH, deferral
from tests.subject import torch

EXPRESSIONS = 3000
SETTINGS = ("fusion-off", "defer-everything")


def run(expression: Expression) -> dict:
    """The variables of the program after its end."""
    names = {"torch": torch, "np": np}
    exec(expression.text, names)
    return names


def is_untyped_mask(item: Item) -> bool:
    """Whether a mask of several dimensions is a list or an array, whose dimensions nobody counts beforehand."""
    return np.ndim(item.plain) > 1 and np.asarray(item.plain).dtype == bool and not item.text.startswith("torch")


def is_empty_mask(item: Item) -> bool:
    """Whether an item is a mask without elements."""
    return np.asarray(item.plain).dtype == bool and np.size(item.plain) == 0


def is_shared(expression: Expression) -> bool:
    """Whether NumPy means the same: a nested list alone is a key of several parts for PyTorch."""
    alone = expression.bare and expression.items[0].sequence and np.ndim(expression.items[0].plain) > 1
    skips = any(item.plain is Ellipsis for item in expression.items)
    wide = skips and any(is_untyped_mask(item) for item in expression.items)  # It counts as one dimension here.
    # In an array without elements NumPy lets a mask without elements stand for dimensions of any size.
    loose = 0 in expression.shape and any(is_empty_mask(item) for item in expression.items)
    whole = expression.action in ("augment", "through") and expression.dtype in ("int64", "bool")
    rank = len(shape_of(expression.shape, expression.items) or ())
    longer = expression.action in ("augment", "put", "accumulate") and np.ndim(expression.operand) > rank
    other = isinstance(expression.operand, complex) or expression.operand_dtype not in ("", expression.dtype)
    return not (expression.broken or alone or wide or loose or whole or longer or other)


def weights_for(shape: tuple) -> np.ndarray:
    """Gradients that are small whole numbers, so that their sums are exact."""
    return (np.arange(np.prod(shape, dtype=int)) * 5 % 7 - 3.0).reshape(shape)


def gathered(numbers: np.ndarray, weights: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Weights added to the elements with these numbers."""
    out = np.zeros(like.size)
    np.add.at(out, numbers.reshape(-1), weights.reshape(-1))
    return out.reshape(like.shape)


def summed_to(g: np.ndarray, shape: tuple) -> np.ndarray:
    """Undoes broadcasting; leading dimensions of 1 beyond the rank are put back."""
    inner = shape[max(0, len(shape) - g.ndim) :]
    g = g.sum(tuple(range(g.ndim - len(inner)))) if g.ndim > len(inner) else g
    g = g.sum(tuple(d for d, n in enumerate(inner) if n == 1 and g.shape[d] != 1), keepdims=True)
    return g.reshape(shape)


def trimmed(values: np.ndarray, rank: int) -> np.ndarray:
    """A value without the leading dimensions of 1 that do not matter."""
    while values.ndim > rank and values.shape[0] == 1:
        values = values[0]
    return values


def gradients_of(expression: Expression, names: dict, weights: np.ndarray) -> tuple:
    """The gradients of base and v."""
    y, v = names["y"], names["v"]
    leaves = [names["base"], *([v] if getattr(v, "requires_grad", False) else [])]
    cotangent = torch.from_numpy(weights).to(y.dtype)
    found = torch.autograd.grad(y, leaves, cotangent, materialize_grads=True)
    return found[0].numpy(), found[1].numpy() if len(found) > 1 else None


def check_read(expression: Expression, names: dict, x: np.ndarray, numbers: np.ndarray) -> None:
    named = picked(numbers, expression.items)
    assert np.array_equal(names["y"].detach().numpy(), picked(x, expression.items))
    if expression.differentiates:
        weights = weights_for(named.shape)
        g, _ = gradients_of(expression, names, weights)
        assert np.array_equal(g, gathered(named, weights, names["base"].detach().numpy()))


def written(expression: Expression, x: np.ndarray, places: np.ndarray, value: np.ndarray) -> np.ndarray:
    """x after the write; of several writes to one element the last stays."""
    out = x.reshape(-1).copy()
    spread = np.broadcast_to(trimmed(value, places.ndim), places.shape).reshape(-1)
    where = places.reshape(-1)
    if expression.action == "accumulate":
        np.add.at(out, where, spread)
    elif expression.action == "augment":
        out[where] = (x.reshape(-1)[where] + spread).astype(out.dtype)
    elif expression.action == "through":
        named_once = np.unique(where)
        out[named_once] = out[named_once] * 2
    else:
        out[where] = spread
    return out.reshape(x.shape)


def check_write(expression: Expression, names: dict, x: np.ndarray) -> None:
    places = picked(np.arange(x.size).reshape(x.shape), expression.items)
    reads_a_copy = expression.action == "through" and any(item.is_pick for item in expression.items)
    value = np.asarray(0 if expression.operand is None else expression.operand)
    expected = x if reads_a_copy else written(expression, x, places, value)
    assert np.array_equal(names["y"].detach().numpy(), expected)
    if not (expression.differentiates and names["y"].requires_grad):
        return
    weights = weights_for(x.shape)
    g, of_value = gradients_of(expression, names, weights)
    kept = weights.copy()
    if expression.action in ("number", "tensor", "put"):
        kept.reshape(-1)[places.reshape(-1)] = 0
    if expression.action == "through" and not reads_a_copy:
        kept.reshape(-1)[places.reshape(-1)] *= 2
    base = names["base"].detach().numpy()
    numbers = laid_out(expression, np.arange(base.size).reshape(base.shape))
    factor = kept
    if expression.action == "augment" and len(np.unique(places)) != places.size:
        return  # What is read twice and written once has no rule of its own: see PyTorch's harness.
    assert np.array_equal(g, gathered(numbers, factor, base))
    if of_value is not None:
        assert np.array_equal(of_value, summed_to(weights.reshape(-1)[places], value.shape))


def judge(expression: Expression) -> bool:
    """Holds an expression against NumPy; whether it could be."""
    if not is_shared(expression):
        return False
    if shape_of(expression.shape, expression.items) is None:
        try:
            names = run(expression)
        except IndexError:
            return False
        # NumPy looks at a list of indices even where nothing is read or written; PyTorch and Tapeless do not.
        y, base = (names[name].detach().numpy() for name in ("y", "base"))
        assert y.size == 0 if expression.action == "read" else np.array_equal(y, laid_out(expression, base))
        return False
    names = run(expression)
    base = names["base"].detach().numpy()
    x = laid_out(expression, base)
    if expression.action == "read":
        check_read(expression, names, x, laid_out(expression, np.arange(base.size).reshape(base.shape)))
    else:
        check_write(expression, names, x)
    return True


@pytest.mark.skipif(IS_PYTORCH, reason="PyTorch is compared by tests/conformance/index_expressions.py")
@pytest.mark.parametrize("setting", SETTINGS)
def test_expressions_mean_what_numpy_means(seed, setting, capsys):
    compared = differentiated = 0
    with deferral(setting), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "indexing with dtype torch.uint8|Using a non-tuple sequence")
        for expression in map(generate, range(seed, seed + EXPRESSIONS)):
            try:
                judged = judge(expression)
            except AssertionError as error:
                raise AssertionError(f"seed {expression.seed}, {setting}:\n{expression.text}\n{error}") from error
            compared += judged
            differentiated += judged and expression.differentiates
    with capsys.disabled():
        print(f"\nindex expressions from seed {seed}, {setting}: {compared} compared, {differentiated} with gradients")
    assert compared > EXPRESSIONS / 2
    assert differentiated > EXPRESSIONS / 4


@pytest.mark.parametrize("number", range(300))
def test_numpy_itself_reads_the_key_alike(number):
    """Where a key has not both numbers and picks, one step is what NumPy does with it."""
    expression = generate(number)
    plain = tuple(item.plain for item in expression.items)
    numbers = any(isinstance(p, int) and not isinstance(p, bool) for p in plain)
    if expression.broken or (numbers and any(item.is_pick for item in expression.items)):
        return
    if shape_of(expression.shape, expression.items) is None:
        return
    x = np.arange(int(np.prod(expression.shape))).reshape(expression.shape)
    assert np.array_equal(picked(x, expression.items), x[plain])
