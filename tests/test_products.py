"""Products in all notations: NumPy's values, orders of contraction, exponentials, factors, levels, messages."""

import numpy as np
import pytest

import tapeless
from tapeless import func, linalg


def numbers(*shape, seed=0, dtype=np.float64):
    return tapeless.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


EQUATIONS = [
    ("ij,jk->ik", (3, 4), (4, 5)),
    ("ij,jk->ki", (3, 4), (4, 5)),
    ("bij,bjk->ikb", (2, 3, 4), (2, 4, 5)),
    ("ii->i", (3, 3)),
    ("iij->j", (3, 3, 2)),
    ("iji,j->i", (3, 2, 3), (2,)),
    ("...ij,...jk->...ik", (2, 3, 4), (4, 5)),
    ("i...,...i", (3, 2, 4), (2, 4, 3)),
    ("ij->", (2, 3)),
    ("ij,kj->ik", (3, 1), (2, 4)),
    ("i,j,k->kji", (2,), (3,), (4,)),
    ("ij,jk,kl,lm->im", (5, 2), (2, 6), (6, 3), (3, 4)),
    ("bn,anm,bm->ba", (2, 3), (5, 3, 4), (2, 4)),
    ("ab,cd->", (2, 3), (4, 5)),
    (" aB , Bc ", (2, 3), (3, 4)),
]


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_einsum_is_numpys(case):
    equation, *shapes = case
    operands = [numbers(*shape, seed=k) for k, shape in enumerate(shapes)]
    if equation == "ij,kj->ik":
        operands[0] = operands[0].expand(3, 4)  # NumPy does not broadcast a subscript.
    expected = np.einsum(equation.replace(" ", ""), *(x.numpy() for x in operands))
    np.testing.assert_allclose(tapeless.einsum(equation, *operands).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(tapeless.einsum(equation, operands).numpy(), expected, atol=1e-12)


def test_subscripts_may_be_lists_of_numbers():
    a, b = numbers(2, 3), numbers(3, 4)
    np.testing.assert_allclose(tapeless.einsum(a, [0, 30], b, [30, 2], [2, 0]).numpy(), (a @ b).t().numpy())
    np.testing.assert_allclose(tapeless.einsum(a, [..., 0], [...]).numpy(), a.sum(1).numpy())
    assert tapeless.einsum("...->", a).shape == () and tapeless.einsum("...", a).shape == (2, 3)


def test_nine_operands_are_contracted_in_pairs_that_stay_small():
    sizes = [3, 40, 2, 50, 3, 60, 2, 40, 3, 30]
    chain = [numbers(m, n, seed=m) for m, n in zip(sizes, sizes[1:], strict=False)]
    letters = "abcdefghij"
    equation = ",".join(a + b for a, b in zip(letters, letters[1:], strict=False)) + "->aj"
    expected = np.linalg.multi_dot([x.numpy() for x in chain])
    np.testing.assert_allclose(tapeless.einsum(equation, *chain).numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(linalg.multi_dot(chain).numpy(), expected, rtol=1e-9)


def test_three_operands_are_contracted_in_the_cheapest_order():
    # From left to right the first product would have 10^10 elements.
    x, y, z = numbers(100000, dtype=np.float32), numbers(100000, seed=1, dtype=np.float32), numbers(100000, seed=2)
    out = tapeless.einsum("i,j,j->i", x, y, z.float())
    np.testing.assert_allclose(out.numpy(), x.numpy() * (y.numpy() @ z.numpy().astype(np.float32)), rtol=1e-3)


PRODUCTS = {
    "einsum": (lambda x, y: tapeless.einsum("ij,kj->ik", x, y), (2, 3), (4, 3)),
    "tensordot": (lambda x, y: tapeless.tensordot(x, y, ([0, 1], [2, 0])), (2, 3, 4), (3, 4, 2)),
    "inner": (tapeless.inner, (2, 3), (4, 3)),
    "vdot": (tapeless.vdot, (3,), (3,)),
    "vecdot": (linalg.vecdot, (2, 3), (3,)),
    "kron": (tapeless.kron, (2, 3), (2,)),
    "cross": (linalg.cross, (2, 3), (1, 3)),
    "addmv": (lambda x, y: tapeless.addmv(y[0], x, y[1], beta=2, alpha=3), (3, 3), (2, 3)),
    "addr": (lambda x, y: tapeless.addr(y, x[0], x[1], beta=2, alpha=3), (2, 3), (3, 3)),
    "addbmm": (lambda x, y: tapeless.addbmm(x[0], x, y, beta=2, alpha=3), (2, 3, 3), (2, 3, 3)),
    "multi_dot": (lambda x, y: linalg.multi_dot([x, y, x]), (2, 3), (3, 2)),
    "matrix_power": (lambda x, y: linalg.matrix_power(x, 5) @ y, (3, 3), (3,)),
    "matrix_exp": (lambda x, y: linalg.matrix_exp(x + y), (2, 3, 3), (3, 3)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_gradients_are_what_differences_show_to_the_second_order(name):
    function, *shapes = PRODUCTS[name]
    at = [numbers(*shape, seed=k).requires_grad_() for k, shape in enumerate(shapes)]
    along = [numbers(*shape, seed=5 + k) for k, shape in enumerate(shapes)]
    weights = numbers(*function(*at).shape, seed=9)
    step = 1e-5

    def loss(*xs):
        return (function(*xs) * weights).sum()

    def slope(*xs):
        xs = [x.detach().requires_grad_() for x in xs]
        grads = tapeless.autograd.grad(loss(*xs), xs)
        return sum((g * v).sum() for g, v in zip(grads, along, strict=True))

    def moved(f, sign):
        return f(*(x.detach() + sign * step * v for x, v in zip(at, along, strict=True))).item()

    grads = tapeless.autograd.grad(loss(*at), at, create_graph=True)
    first = sum((g * v).sum() for g, v in zip(grads, along, strict=True))
    expected = (moved(loss, 1) - moved(loss, -1)) / (2 * step)
    assert np.isclose(first.item(), expected, rtol=1e-5, atol=1e-7)
    seconds = tapeless.autograd.grad(first, at, allow_unused=True)
    second = sum((g * v).sum().item() for g, v in zip(seconds, along, strict=True) if g is not None)
    assert np.isclose(second, (moved(slope, 1) - moved(slope, -1)) / (2 * step), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_batch_is_its_examples_and_tangents_pass(name, recwarn):
    function, *shapes = PRODUCTS[name]
    first, second = numbers(4, *shapes[0]), numbers(*shapes[1], seed=1)
    each = tapeless.stack([function(x, second) for x in first])
    np.testing.assert_allclose(func.vmap(function, (0, None))(first, second).numpy(), each.numpy(), atol=1e-10)
    v, step = numbers(*shapes[0], seed=2), 1e-6
    _, tangent = func.jvp(lambda x: function(x, second), (first[0],), (v,))
    change = (function(first[0] + step * v, second) - function(first[0] - step * v, second)) / (2 * step)
    np.testing.assert_allclose(tangent.numpy(), change.numpy(), rtol=1e-5, atol=1e-6)


def test_exponentials_of_matrices_with_known_ones():
    angle = 30.0
    turn = tapeless.tensor([[0.0, -angle], [angle, 0.0]], dtype=tapeless.float64)
    expected = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    np.testing.assert_allclose(linalg.matrix_exp(turn).numpy(), expected, atol=1e-13)
    nilpotent = tapeless.tensor([[0.0, 1, 2], [0, 0, 3], [0, 0, 0]])
    assert tapeless.matrix_exp(nilpotent).tolist() == [[1, 1, 3.5], [0, 1, 3], [0, 0, 1]]
    diagonal = tapeless.tensor([-700.0, -1e-9, 1.0, 80.0], dtype=tapeless.float64)
    np.testing.assert_allclose(tapeless.matrix_exp(diagonal.diag()).diagonal().numpy(), np.exp(diagonal.numpy()), 1e-13)
    # Each matrix of a batch is scaled by its own norm.
    batch = tapeless.stack([turn, turn / 1e6, turn * 0])
    for x, y in zip(batch, linalg.matrix_exp(batch), strict=True):
        np.testing.assert_array_equal(linalg.matrix_exp(x).numpy(), y.numpy())
    turned = tapeless.tensor([[1j * np.pi]], dtype=tapeless.complex128)
    np.testing.assert_allclose(linalg.matrix_exp(turned).numpy(), [[-1]], atol=1e-14)
    assert tapeless.matrix_exp(tapeless.full((2, 2), float("inf"))).isnan().all()
    assert tapeless.matrix_exp(tapeless.zeros(2, 0, 0)).shape == (2, 0, 0)
    half = tapeless.matrix_exp(nilpotent.bfloat16())
    assert half.dtype == tapeless.bfloat16 and half.tolist() == [[1, 1, 3.5], [0, 1, 3], [0, 0, 1]]


def test_nodes_show_the_factors_of_sums():
    x, v = numbers(3, 3).requires_grad_(), numbers(3)
    for y in (
        tapeless.addmm(x, x, x, beta=2, alpha=0.5),
        tapeless.addmv(v, x, v, beta=2, alpha=0.5),
        tapeless.addr(x, v, v, beta=2, alpha=0.5),
    ):
        assert (y.grad_fn._saved_beta, y.grad_fn._saved_alpha) == (2, 0.5)


def test_a_beta_of_zero_ignores_nan_and_integers_wrap():
    nan = tapeless.full((3,), float("nan"))
    assert tapeless.addmv(nan, tapeless.eye(3), tapeless.ones(3), beta=0).tolist() == [1, 1, 1]
    assert tapeless.addr(nan, tapeless.ones(2), tapeless.ones(3), beta=0).tolist() == [[1, 1, 1]] * 2
    big = tapeless.full((2,), 2**62, dtype=tapeless.int64)
    assert tapeless.addr(big, big, big).tolist() == [[2**62] * 2] * 2
    x = tapeless.tensor([True, False])
    assert tapeless.addr(x, x, x).tolist() == [[True, False], [True, False]]


def test_powers_of_matrices():
    x = numbers(2, 3, 3)
    np.testing.assert_allclose(x.matrix_power(7).numpy(), np.linalg.matrix_power(x.numpy(), 7), rtol=1e-10)
    np.testing.assert_array_equal(linalg.matrix_power(x, 0).numpy(), np.broadcast_to(np.eye(3), (2, 3, 3)))


@pytest.mark.parametrize(
    ("kind", "words", "call"),
    [
        (ValueError, "must specify the equation string and at least one operand", lambda x, v: tapeless.einsum("i")),
        (RuntimeError, "more operands were provided", lambda x, v: tapeless.einsum("ij", x, v)),
        (RuntimeError, "fewer operands were provided", lambda x, v: tapeless.einsum("ij,j", x)),
        (RuntimeError, "invalid subscript given at index 1", lambda x, v: tapeless.einsum("i1", x)),
        (RuntimeError, "not part of any ellipsis", lambda x, v: tapeless.einsum("i..j", x)),
        (RuntimeError, "does not match the number of dimensions", lambda x, v: tapeless.einsum("ijk", x)),
        (RuntimeError, "is repeated for operand 0 but the sizes don't match", lambda x, v: tapeless.einsum("ii", x)),
        (RuntimeError, "does not broadcast with previously seen size", lambda x, v: tapeless.einsum("ij,ik", x, x.t())),
        (RuntimeError, "appears more than once in the output", lambda x, v: tapeless.einsum("ij->ii", x)),
        (RuntimeError, "does not appear in the equation", lambda x, v: tapeless.einsum("ij->k", x)),
        (RuntimeError, "contracted dimensions need to match", lambda x, v: tapeless.tensordot(x, x, 1)),
        (RuntimeError, "both inputs should have same dtype", lambda x, v: tapeless.inner(x, v.float())),
        (RuntimeError, "must have length 3", lambda x, v: linalg.cross(x.t(), x.t())),
        (RuntimeError, "no dimension of size 3", lambda x, v: tapeless.cross(x[:, :2], x[:, :2])),
        (RuntimeError, "batches of square matrices", lambda x, v: tapeless.matrix_exp(x)),
        (RuntimeError, "expected at least 2 tensors", lambda x, v: linalg.multi_dot([x])),
        (RuntimeError, "vector \\+ matrix @ vector expected", lambda x, v: tapeless.addmv(x, x, v)),
    ],
)
def test_bad_calls_have_pytorchs_class_and_words(kind, words, call):
    with pytest.raises(kind, match=words):
        call(numbers(2, 3), numbers(3))


@pytest.mark.parametrize("columns", [1, 4])
def test_a_sum_of_many_terms_keeps_its_digits(columns):
    x, y = tapeless.rand(1, 200_000), tapeless.rand(200_000, columns)
    tapeless.testing.assert_close((x @ y).double(), x.double() @ y.double(), rtol=1e-6, atol=0.0)
