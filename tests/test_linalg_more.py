# General eigenvalues, least squares, reflectors, LDL^T and LU factors, tensors as matrices, low rank.
"""The less common half of linalg: products give the matrices back, and derivatives are those of differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tapeless as tl
from tests.derivatives import check_gradients, doubles

linalg = tl.linalg
DTYPES = ["float32", "float64", "complex64", "complex128"]


def matrices(*shape: int, dtype: str = "float64", seed: int = 0) -> Any:
    """Normal numbers."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return tl.tensor((x + 1j * rng.standard_normal(shape) if "complex" in dtype else x).astype(dtype))


def near(got: Any, want: Any) -> bool:
    """Equal to the precision of the dtype."""
    single = got.dtype in (tl.float32, tl.complex64)
    return tl.allclose(got, want.to(got.dtype), rtol=1e-4 if single else 1e-10, atol=1e-4 if single else 1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
def test_eigenvectors_are_only_stretched(dtype: str) -> None:
    a = matrices(2, 3, 5, 5, dtype=dtype)
    values, vectors = linalg.eig(a)
    assert values.is_complex()
    assert near(a.to(vectors.dtype) @ vectors, vectors * values.unsqueeze(-2))
    assert near(linalg.vector_norm(vectors, dim=-2), tl.ones(2, 3, 5))
    assert tl.equal(linalg.eigvals(a), values) or near(linalg.eigvals(a).abs().sum(-1), values.abs().sum(-1))
    assert linalg.eig(a[:, :0]).eigenvectors.shape == (2, 0, 5, 5)


def test_eig_has_derivatives_of_two_orders() -> None:
    def invariants(x: Any) -> Any:
        values, vectors = linalg.eig(x)
        weights = tl.arange(1.0, 5.0, dtype=tl.float64).unsqueeze(1)
        return (values.abs() ** 2).sum() + values.imag.abs().sum() + ((vectors.abs() * weights) ** 3).sum()

    check_gradients(invariants, doubles(4, 4, seed=5), tolerance=1e-4)
    check_gradients(lambda x: linalg.eigvals(x).abs().sort()[0], doubles(2, 3, 3, seed=6), tolerance=1e-4)
    x = doubles(3, 3, seed=7)
    out = linalg.eig(x)
    assert out[0].grad_fn.name() == "LinalgEigBackward0"
    assert type(out).__name__ == "linalg_eig"


def test_a_loss_that_depends_on_phases_is_refused() -> None:
    x = matrices(3, 3, dtype="complex128").requires_grad_()
    with pytest.raises(RuntimeError, match="linalg_eig_backward: The eigenvectors in the complex case are specified"):
        linalg.eig(x)[1].real.sum().backward()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5)])
def test_least_squares_are_those_of_the_pseudo_inverse(dtype: str, driver: Any, shape: tuple[int, int]) -> None:
    a, b = matrices(2, *shape, dtype=dtype), matrices(2, shape[0], 3, dtype=dtype, seed=1)
    found = linalg.lstsq(a, b, driver=driver)
    assert near(found.solution, linalg.pinv(a) @ b)
    assert near(linalg.lstsq(a[0], b[0, :, 0], driver=driver).solution, found.solution[0, :, 0])
    if driver in ("gels", "gelsd", "gelss") and shape[0] > shape[1]:
        assert near(found.residuals, ((a @ found.solution - b).abs() ** 2).sum(-2))
    else:
        assert found.residuals.numel() == 0
    assert found.rank.tolist() == ([] if driver == "gels" else [min(shape)] * 2)
    if driver in ("gelsd", "gelss"):
        assert near(found.singular_values, linalg.svdvals(a))


def test_least_squares_of_deficient_rank_are_the_shortest() -> None:
    a = matrices(6, 2) @ matrices(2, 4, seed=1)
    b = matrices(6, 2, seed=2)
    for driver in ("gelsy", "gelsd", "gelss"):
        found = linalg.lstsq(a, b, rcond=1e-10, driver=driver)
        assert found.rank == 2
        assert near(found.solution, linalg.pinv(a, rtol=1e-10) @ b)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
def test_least_squares_have_derivatives_of_two_orders(shape: tuple[int, int]) -> None:
    a, b = doubles(*shape, seed=1), doubles(shape[0], 2, seed=2)
    check_gradients(lambda x, y: linalg.lstsq(x, y).solution, a, b, tolerance=1e-4)
    if shape[0] > shape[1]:
        check_gradients(lambda x, y: linalg.lstsq(x, y, driver="gelsd").residuals, a, b, tolerance=1e-4)
    assert linalg.lstsq(a, b)[0].grad_fn.name() == "LinalgLstsqBackward0"


@pytest.mark.parametrize("dtype", DTYPES)
def test_reflectors_give_q(dtype: str) -> None:
    a = matrices(2, 6, 4, dtype=dtype)
    reflectors, tau = tl.geqrf(a)
    q, r = linalg.qr(a)
    assert near(linalg.householder_product(reflectors, tau), q)
    assert near(reflectors[:, :4].triu(), r)
    whole = linalg.qr(a, "complete")[0]
    x, y = matrices(2, 6, 3, dtype=dtype, seed=1), matrices(2, 3, 6, dtype=dtype, seed=2)
    assert near(tl.ormqr(reflectors, tau, x), whole @ x)
    assert near(tl.ormqr(reflectors, tau, x, transpose=True), whole.mH @ x)
    assert near(tl.ormqr(reflectors, tau, y, left=False), y @ whole)
    assert near(tl.ormqr(reflectors, tau, y, left=False, transpose=True), y @ whole.mH)
    tracked = reflectors.clone().requires_grad_()
    assert near(tl.orgqr(tracked, tau), q)
    assert near(tl.ormqr(tracked, tau, x), whole @ x)


def test_reflectors_have_derivatives_of_two_orders() -> None:
    a, tau = doubles(5, 3, seed=1), doubles(3, seed=2, low=0.5)
    check_gradients(linalg.householder_product, a, tau)
    other = doubles(5, 2, seed=3)
    for transpose in (False, True):
        check_gradients(lambda x, t, y, transpose=transpose: tl.ormqr(x, t, y, True, transpose), a, tau, other)
        check_gradients(lambda x, t, y, transpose=transpose: tl.ormqr(x, t, y.mT, False, transpose), a, tau, other)
    assert linalg.householder_product(a, tau).grad_fn.name() == "LinalgHouseholderProductBackward0"
    with pytest.raises(NotImplementedError, match="the derivative for 'geqrf' is not implemented"):
        tl.geqrf(a)[0].sum().backward()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hermitian", [False, True])
def test_symmetric_factors_solve(dtype: str, hermitian: bool) -> None:
    a = matrices(3, 5, 5, dtype=dtype)
    a = a + (a.mH if hermitian else a.mT)
    b = matrices(5, 2, dtype=dtype, seed=1)
    factors, pivots = linalg.ldl_factor(a, hermitian=hermitian)
    assert near(a @ linalg.ldl_solve(factors, pivots, b, hermitian=hermitian), b.expand(3, 5, 2))
    assert linalg.ldl_factor_ex(a, hermitian=hermitian).info.tolist() == [0, 0, 0]


@pytest.mark.parametrize("upper", [False, True])
def test_the_triangle_that_is_not_read_gets_no_gradient(upper: bool) -> None:
    factor, b = (doubles(4, 4, seed=1) + 2 * tl.eye(4)).detach().requires_grad_(), doubles(4, 2, seed=2)
    check_gradients(lambda x, y: tl.cholesky_solve(y, x, upper), factor, b, tolerance=1e-4)
    check_gradients(lambda x: tl.cholesky_inverse(x, upper), factor, tolerance=1e-4)
    (g,) = tl.autograd.grad(tl.cholesky_inverse(factor, upper).sum(), factor)
    assert not (g.tril(-1) if upper else g.triu(1)).any()


def test_the_diagonal_of_a_complex_factor_is_real_and_so_is_its_gradient() -> None:
    def parts(re: Any, im: Any) -> Any:
        x = tl.complex(re, im)
        return tl.view_as_real(linalg.cholesky(x @ x.mH))

    check_gradients(parts, doubles(3, 3, seed=1), doubles(3, 3, seed=2), tolerance=1e-4)
    a = matrices(3, 3, dtype="complex128")
    a = (a @ a.mH).requires_grad_()
    (g,) = tl.autograd.grad(linalg.cholesky(a).diagonal().imag.sum(), a)
    assert not g.any()


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_lu_factors_are_unpacked(shape: tuple[int, int]) -> None:
    a = matrices(2, *shape).requires_grad_()
    packed, pivots = linalg.lu_factor(a)
    p, lower, upper = tl.lu_unpack(packed, pivots)
    assert near(p @ lower @ upper, a)
    assert [x.numel() > 0 for x in tl.lu_unpack(packed, pivots, unpack_pivots=False)] == [False, True, True]
    assert [x.numel() > 0 for x in tl.lu_unpack(packed, pivots, unpack_data=False)] == [True, False, False]
    assert lower.grad_fn.name() == "LuUnpackBackward0"
    check_gradients(lambda x: tl.lu_unpack(x, pivots)[1] @ tl.lu_unpack(x, pivots)[2], doubles(2, *shape))


def test_tensors_are_inverted_and_solved_as_matrices() -> None:
    a = matrices(4, 6, 8, 3)
    inverse = linalg.tensorinv(a, 2)
    assert inverse.shape == (8, 3, 4, 6)
    assert near(tl.tensordot(inverse, a, 2).reshape(24, 24), tl.eye(24))
    b = matrices(4, 6, seed=1)
    assert near(tl.tensordot(a, linalg.tensorsolve(a, b), 2), b)
    moved, other = a.movedim(0, -1), matrices(6, 4, seed=2)
    x = linalg.tensorsolve(moved, other, dims=(1, 2))
    assert near(tl.tensordot(moved.movedim((1, 2), (-2, -1)), x, 2), other)
    with pytest.raises(RuntimeError, match=r"but got 25 != 24"):
        linalg.tensorinv(matrices(4, 6, 25), 2)


def test_low_rank_is_found_whole_when_it_is_there() -> None:
    a = matrices(9, 3) @ matrices(3, 6, seed=1)
    for given in (a, a.mT, a.expand(2, 9, 6)):
        u, s, v = tl.svd_lowrank(given, q=4)
        assert near(u @ s.diag_embed() @ v.mT, given)
        assert near(s[..., :3], linalg.svdvals(given)[..., :3])
    u, s, v = tl.pca_lowrank(a, q=3)
    assert near(u @ s.diag() @ v.mT, a - a.mean(0))
    check_gradients(
        lambda x: tl.svd_lowrank(x, q=3, niter=1)[1] if tl.manual_seed(0) else x, doubles(5, 3), twice=False
    )


def test_what_cannot_be_is_refused_in_pytorchs_words() -> None:
    a, b = matrices(5, 3), matrices(5, 2)
    for call, words in (
        (lambda: linalg.eig(a), "linalg.eig: A must be batches of square matrices, but they are 5 by 3 matrices"),
        (lambda: linalg.eig(tl.full((2, 2), tl.nan)), "input tensor should not contain infs or NaNs"),
        (lambda: linalg.lstsq(a, b, driver="other"), r"should be one of \(gels, gelsy, gelsd, gelss\)"),
        (lambda: linalg.lstsq(a, b[:4]), r"input.size\(-2\) should match other.size\(-2\)"),
        (lambda: linalg.lstsq(a, b.float()), "Expected input and other to have the same dtype"),
        (lambda: linalg.householder_product(a.mT, a[0]), r"input.shape\[-2\] must be greater than or equal"),
        (lambda: linalg.tensorinv(a, 0), "Expected a strictly positive integer for 'ind', but got 0"),
        (lambda: tl.solve(a, b), "deprecated since version 1.9 and is now removed"),
        (lambda: a.symeig(), "deprecated since version 1.9 and is now removed"),
    ):
        with pytest.raises(RuntimeError, match=words):
            call()


TRANSFORMED = {
    "solve": lambda x: linalg.solve(x, x[:, :1] * 2 + 1),
    "solve_triangular": lambda x: linalg.solve_triangular(x, x[:, :1] * 2 + 1, upper=True),
    "cholesky": lambda x: linalg.cholesky(x @ x.mT),
    "qr": lambda x: linalg.qr(x)[0],
    "lu": lambda x: linalg.lu_factor(x)[0],
    "det": lambda x: linalg.det(x),
    "slogdet": lambda x: linalg.slogdet(x)[1],
    "eig": lambda x: linalg.eigvals(x).abs(),
    "lstsq": lambda x: linalg.lstsq(x, x[:, :1] * 2 + 1)[0],
    "householder": lambda x: linalg.householder_product(x, x[0]),
    "ormqr": lambda x: tl.ormqr(x, x[0], x),
}


@pytest.mark.parametrize("name", TRANSFORMED)
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_transforms_of_functions_follow(name: str) -> None:
    f, x, v = TRANSFORMED[name], matrices(4, 4, seed=3) + 2 * tl.eye(4), matrices(4, 4, seed=4)
    step = 1e-6
    expected = (f(x + step * v) - f(x - step * v)) / (2 * step)
    assert tl.allclose(tl.func.jvp(f, (x,), (v,))[1], expected, atol=1e-6)
    assert tl.allclose((tl.func.jacrev(f)(x) * v).sum((-1, -2)), expected, atol=1e-6)
    assert tl.allclose((tl.func.jacfwd(f)(x) * v).sum((-1, -2)), expected, atol=1e-6)
    pair = tl.stack([x, x + v / 9])
    assert tl.allclose(tl.func.vmap(f)(pair), tl.stack([f(one) for one in pair]))
    slopes = tl.func.vmap(tl.func.grad(lambda y: (f(y) ** 2).sum()))(pair)
    assert tl.allclose(slopes[1], tl.func.grad(lambda y: (f(y) ** 2).sum())(pair[1]))
