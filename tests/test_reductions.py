"""Reductions and running results: derivatives where something is zero or infinite, accuracy, aliases, transforms."""

import math

import pytest

from tests.subject import torch

func = torch.func
inf, nan = math.inf, math.nan


def doubles(*values):
    return torch.tensor(values, dtype=torch.float64)


def gradient_of(function, x):
    x = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(function(x).sum(), x)
    return g


def close(x, y, tolerance=1e-9):
    assert x.shape == y.shape
    assert torch.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True), (x, y)


def numeric(function, x, step=1e-6):
    """The gradient of a function's sum by central differences."""
    out = []
    for i in range(x.numel()):
        off = torch.zeros(x.numel(), dtype=x.dtype)
        off[i] = step
        off = off.reshape(x.shape)
        out.append((function(x + off).sum() - function(x - off).sum()).item() / (2 * step))
    return doubles(*out).reshape(x.shape)


def weighted(function):
    """The function with outputs of different weight, so that a wrong order shows."""

    def call(x):
        out = function(x)
        weights = torch.arange(1, out.numel() + 1, dtype=out.dtype).reshape(out.shape)
        return out * weights

    return call


POINT = doubles(0.3, -1.2, 0.7, 2.1, -0.4, 0.9, 1.7, -2.2, 0.6, 1.1, -0.8, 0.5).reshape(3, 4)
WITH_ZEROS = doubles(0.3, 0.0, 0.7, 2.1, 0.0, 0.9, 0.0, -2.2, 0.6, 1.1, -0.8, 0.5).reshape(3, 4)

SMOOTH = {
    "prod": lambda x: x.prod(),
    "prod_dim": lambda x: x.prod(1),
    "cumprod": lambda x: x.cumprod(1),
    "cumprod_0": lambda x: x.cumprod(0),
    "cumsum": lambda x: x.cumsum(0),
    "logcumsumexp": lambda x: x.logcumsumexp(1),
    "logsumexp": lambda x: x.logsumexp((0, 1)),
    "var": lambda x: x.var(1),
    "var_dims": lambda x: x.var((0, 1), correction=0, keepdim=True),
    "std": lambda x: x.std(0),
    "var_mean": lambda x: sum(torch.var_mean(x, 1)),
    "std_mean": lambda x: sum(torch.std_mean(x, 0)),
    "norm": lambda x: x.norm(),
    "norm_3": lambda x: torch.linalg.vector_norm(x, 3, 1),
    "norm_1.5": lambda x: torch.linalg.vector_norm(x, 1.5, 0),
    "norm_0.5": lambda x: torch.linalg.vector_norm(x, 0.5),
    "norm_inf": lambda x: torch.linalg.vector_norm(x, inf, 1),
    "matrix_norm_1": lambda x: torch.linalg.matrix_norm(x, 1),
    "renorm": lambda x: x.renorm(2, 0, 1.5),
    "nansum": lambda x: x.nansum(0),
    "cummax": lambda x: x.cummax(1).values,
    "cummin": lambda x: x.cummin(0)[0],
    "amax": lambda x: x.amax((0, 1)),
    "aminmax": lambda x: x.aminmax(dim=1).max - x.aminmax(dim=0).min.sum(),
    "diff": lambda x: x.diff(2),
    "trapezoid": lambda x: torch.trapezoid(x, dx=0.5),
    "cov": lambda x: torch.cov(x),
    "corrcoef": lambda x: torch.corrcoef(x),
    "gradient": lambda x: torch.gradient(x, spacing=2.0)[1],
}
MADE_OF_PIECES = ("diff", "trapezoid", "cov", "corrcoef", "gradient")


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_of_both_orders_agree_with_differences(name):
    function = weighted(SMOOTH[name])
    close(gradient_of(function, POINT), numeric(function, POINT), 1e-6)
    x = POINT.clone().requires_grad_()
    (g,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    weights = torch.arange(1, 13, dtype=torch.float64).reshape(3, 4)
    slope = lambda y: gradient_of(function, y) * weights  # noqa: E731
    if g.requires_grad:
        (second,) = torch.autograd.grad((g * weights).sum(), x, allow_unused=True)
        close(torch.zeros(3, 4, dtype=x.dtype) if second is None else second, numeric(slope, POINT), 1e-5)


@pytest.mark.parametrize("name", SMOOTH)
def test_tangents_agree_with_gradients(name):
    function, tangent = weighted(SMOOTH[name]), POINT.cos()
    _, found = func.jvp(lambda x: function(x).sum(), (POINT,), (tangent,))
    close(found, (gradient_of(function, POINT) * tangent).sum())


@pytest.mark.parametrize("name", [name for name in SMOOTH if name not in MADE_OF_PIECES])
def test_a_batch_is_its_examples(name):
    function = SMOOTH[name]
    whole = torch.stack([POINT, POINT.sin(), POINT * POINT])
    close(func.vmap(function)(whole), torch.stack([function(x) for x in whole]))
    slope = func.grad(lambda x: weighted(function)(x).sum())
    close(func.vmap(slope)(whole), torch.stack([gradient_of(weighted(function), x) for x in whole]))


@pytest.mark.parametrize("name", ["prod", "prod_dim", "cumprod", "cumprod_0"])
def test_products_with_zeros_have_both_derivatives(name):
    function = weighted(SMOOTH[name])
    close(gradient_of(function, WITH_ZEROS), numeric(function, WITH_ZEROS), 1e-6)
    x = WITH_ZEROS.clone().requires_grad_()
    (g,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    weights = torch.arange(1, 13, dtype=torch.float64).reshape(3, 4)
    (second,) = torch.autograd.grad((g * weights).sum(), x)
    close(second, numeric(lambda y: gradient_of(function, y) * weights, WITH_ZEROS), 1e-5)


def test_logarithms_of_sums_take_infinities():
    close(doubles(-inf, -inf).logsumexp(0), torch.tensor(-inf, dtype=torch.float64))
    close(doubles(1.0, inf).logsumexp(0), torch.tensor(inf, dtype=torch.float64))
    close(doubles(1000.0, 1000.0).logsumexp(0), torch.tensor(1000 + math.log(2), dtype=torch.float64))
    close(doubles(-inf, -1000.0, 0.0).logcumsumexp(0), doubles(-inf, -1000.0, 0.0))
    close(gradient_of(lambda x: x.logcumsumexp(0), doubles(1.0, -inf, 2.0)), doubles(2.2689414, 0.0, 0.7310586), 1e-6)
    assert torch.zeros(0, 3).logsumexp(0).tolist() == [-inf] * 3


def test_variances_keep_their_digits_far_from_zero():
    x = torch.arange(4096, dtype=torch.float32) % 2 + 1e6
    assert x.var(correction=0).item() == pytest.approx(0.25, rel=1e-6)
    close(torch.stack([x, x], 1).std(0, correction=0), torch.tensor([0.5, 0.5]), 1e-6)
    half = torch.full((70000,), 2.0, dtype=torch.float16)
    assert half.prod().item() == inf
    assert half.norm().item() == pytest.approx(529.0, rel=1e-3)
    assert torch.full((3,), 1e30).norm().item() == pytest.approx(3**0.5 * 1e30, rel=1e-6)


def test_running_sums_keep_their_digits():
    x = torch.full((1 << 16,), 0.1)
    assert x.cumsum(0)[-1].item() == pytest.approx(6553.6, rel=1e-6)
    assert torch.ones(300, dtype=torch.uint8).cumsum(0)[-1].item() == 300


def test_bits_do_not_depend_on_threads():
    torch.manual_seed(3)
    x = torch.randn(257, 1031)
    calls = (
        lambda: x.cumsum(1), lambda: x.cumsum(0), lambda: x.var(0), lambda: x.var(1), lambda: x.std(),
        lambda: x.prod(0), lambda: x.norm(), lambda: x.sum(0), lambda: x.logcumsumexp(0), lambda: x.nansum(),
    )  # fmt: skip
    before = torch.get_num_threads()
    results = []
    for count in (1, 4):
        torch.set_num_threads(count)
        results.append([call() for call in calls])
    torch.set_num_threads(before)
    for one, many in zip(*results, strict=True):
        assert (one == many).all()


def test_running_extremes_take_the_last_of_equal_ones_and_the_last_nan():
    x = doubles(1.0, 1.0, nan, 3.0, nan)
    values, indices = x.cummax(0)
    assert indices.tolist() == [0, 1, 2, 2, 4]
    assert math.isnan(values[3].item())
    assert gradient_of(lambda x: x.cummax(0).values, x).tolist() == [1, 1, 2, 0, 1]


def test_numpy_names_are_taken():
    x = POINT
    close(x.sum(axis=0, keepdims=True), x.sum(0, True))
    close(x.var(axis=1, keepdims=True), x.var(1, keepdim=True))
    close(torch.std(x, axis=1), x.std(1))
    close(torch.prod(x, axis=0), x.prod(0))
    close(torch.cumsum(x, axis=1), x.cumsum(1))
    close(torch.max(x, axis=1).values, x.max(1).values)
    close(torch.linalg.vector_norm(x, axis=0, keepdims=True), x.norm(dim=0, keepdim=True))
    close(torch.diff(x, axis=0), x.diff(dim=0))
    assert (x > 0).all(axis=1).tolist() == (x > 0).all(1).tolist()


def test_unbiased_and_correction_say_the_same():
    x = POINT
    close(x.var(False), x.var(correction=0))
    close(x.var(unbiased=False), x.var(correction=0))
    close(torch.std(x, 1, False, True), x.std(1, correction=0, keepdim=True))
    for one, other in zip(torch.var_mean(x, False), torch.var_mean(x, correction=0), strict=True):
        close(one, other)
    with pytest.raises(TypeError, match="both unbiased and correction"):
        x.var(1, True, correction=0)


def test_out_is_written():
    values, indices = torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.int64)
    result = torch.cummax(POINT, 1, out=(values, indices))
    assert result.values is values and result.indices is indices
    close(values, POINT.cummax(1).values)
    for call, wanted in (
        (lambda out: torch.var(POINT, 1, out=out), POINT.var(1)),
        (lambda out: torch.cumsum(POINT, 1, out=out), POINT.cumsum(1)),
        (lambda out: torch.diff(POINT, out=out), POINT.diff()),
        (lambda out: torch.linalg.norm(POINT, out=out), POINT.norm()),
        (lambda out: torch.nanmean(POINT, 0, out=out), POINT.mean(0)),
    ):
        out = torch.empty(0, dtype=torch.float64)
        assert call(out) is out
        close(out, wanted)


def test_in_place_forms_are_recorded():
    for name in ("cumsum_", "cumprod_"):
        x = POINT.clone().requires_grad_()
        y = x * 1
        assert getattr(y, name)(1) is y
        (g,) = torch.autograd.grad((y * POINT).sum(), x)
        close(g, gradient_of(lambda x: getattr(x, name[:-1])(1) * POINT, POINT))  # noqa: B023


def test_counts_and_pairs():
    x = torch.tensor([[0, 1, 2], [0, 0, 5]])
    assert torch.count_nonzero(x).item() == 3
    assert x.count_nonzero(0).tolist() == [0, 1, 2]
    smallest, largest = torch.aminmax(x, dim=1)
    assert (smallest.tolist(), largest.tolist()) == ([0, 0], [2, 5])


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: torch.arange(3).var(), RuntimeError, "only support floating point and complex dtypes"),
        (lambda: torch.arange(3).norm(), RuntimeError, "floating point or complex tensor as input. Got Long"),
        (lambda: torch.linalg.vector_norm(torch.zeros(0), inf), RuntimeError, "does not have an identity"),
        (lambda: torch.linalg.norm(torch.zeros(2, 2, 2), 2), RuntimeError, "the input must be 1D or 2D. Got 3D"),
        (lambda: torch.linalg.matrix_norm(torch.zeros(2, 2), "abc"), RuntimeError, "Order abc not supported"),
        (lambda: torch.linalg.matrix_norm(torch.zeros(2)), RuntimeError, "must have at least 2 dimensions"),
        (lambda: torch.arange(3).logcumsumexp(0), NotImplementedError, "not implemented for 'Long'"),
        (lambda: torch.zeros(0).aminmax(), RuntimeError, "has no identity"),
        (lambda: torch.zeros(3).cumsum(1), IndexError, "Dimension out of range"),
        (lambda: torch.arange(3).cumsum_(0, dtype=torch.float32), RuntimeError, "should match"),
        (lambda: torch.zeros(2).renorm(1, 0, 1), RuntimeError, "needs at least 2 dimensions"),
        (lambda: torch.zeros(2, 2).renorm(-1, 0, 1), RuntimeError, "non-positive-norm not supported"),
        (lambda: torch.zeros(2, 2).diff(-1), RuntimeError, "order must be non-negative"),
        (lambda: torch.gradient(torch.zeros(2, 2), spacing=(1.0,)), RuntimeError, "expected spacing to be"),
        (lambda: torch.trapezoid(torch.zeros(2, 2), torch.zeros(3)), RuntimeError, "one `x` value for each sample"),
        (lambda: torch.cov(torch.zeros(2, 2, 2)), RuntimeError, "two or fewer dimensions"),
        (lambda: torch.zeros(2, 2).max(0, out=torch.zeros(2)), TypeError, "argument 'out' must be tuple"),
    ],
)  # fmt: skip
def test_errors_say_what_is_needed(call, kind, words):
    with pytest.raises(kind, match=words):
        call()
