"""Linear algebra: values are NumPy's, derivatives of both orders are finite differences, errors are PyTorch's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.subject import torch

linalg = torch.linalg
DTYPES = ["float32", "float64", "complex64", "complex128"]


def matrices(shape: tuple[int, ...], dtype: str, generator: np.random.Generator) -> Any:
    """Random matrices, well conditioned where they are square."""
    x = generator.normal(size=shape)
    if dtype.startswith("complex"):
        x = x + 1j * generator.normal(size=shape)
    if shape[-1] == shape[-2]:
        x = x + 3 * np.eye(shape[-1])
    return torch.tensor(x.astype(dtype))


def hermitian(x: Any) -> Any:
    """Positive definite matrices made of any."""
    return x @ x.mH + torch.eye(x.shape[-1], dtype=x.dtype)


def near(actual: Any, expected: Any, dtype: str) -> None:
    bound = 1e-4 if dtype in ("float32", "complex64") else 1e-11
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=bound, atol=bound)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (3,), (2, 0), (2, 3)])
def test_values_are_numpys(dtype: str, batch: tuple[int, ...], seed: int):
    a = matrices((*batch, 4, 4), dtype, np.random.default_rng(seed))
    b, spd, array = a[..., :2], hermitian(a), a.numpy()
    near(linalg.inv(a), np.linalg.inv(array), dtype)
    near(linalg.solve(a, b), np.linalg.solve(array, b.numpy()), dtype)
    near(linalg.solve(a, b.mT, left=False), np.linalg.solve(array.swapaxes(-1, -2), b.numpy()).swapaxes(-1, -2), dtype)
    near(torch.det(a) / np.linalg.det(array), np.ones(batch), dtype)
    for actual, expected in zip(torch.slogdet(a), np.linalg.slogdet(array), strict=True):
        near(actual, expected, dtype)
    lower = linalg.cholesky(spd)
    near(lower, np.linalg.cholesky(spd.numpy()), dtype)
    near(linalg.cholesky(spd, upper=True), lower.mH.numpy(), dtype)
    near(spd @ torch.cholesky_solve(b, lower), b.numpy(), dtype)
    near(torch.cholesky_inverse(lower) @ spd, np.broadcast_to(np.eye(4), a.shape), dtype)
    near(lower @ linalg.solve_triangular(lower, b, upper=False), b.numpy(), dtype)
    near(linalg.eigvalsh(spd), np.linalg.eigvalsh(spd.numpy()), dtype)
    values, vectors = linalg.eigh(spd)
    near((vectors * values.unsqueeze(-2)) @ vectors.mH, spd.numpy(), dtype)
    near(linalg.pinv(b), np.linalg.pinv(b.numpy()), dtype)
    assert linalg.matrix_rank(a @ a[..., :, :3] @ a[..., :3, :]).tolist() == np.full(batch, 3).tolist()


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 4), (0, 3), (3, 0)])
def test_qr_and_svd_give_the_matrix_back(dtype: str, shape: tuple[int, ...], seed: int):
    a = matrices(shape, dtype, np.random.default_rng(seed))
    m, n = shape[-2:]
    for mode, width in (("reduced", min(m, n)), ("complete", m)):
        q, r = linalg.qr(a, mode=mode)
        assert q.shape[-2:] == (m, width) and r.shape[-2:] == (width, n)
        near(q @ r, a.numpy(), dtype)
        near(q.mH @ q, np.broadcast_to(np.eye(width), q.shape[:-2] + (width, width)), dtype)
    assert linalg.qr(a, mode="r").Q.shape == (0,)
    for full in (True, False):
        u, s, vh = linalg.svd(a, full_matrices=full)
        k = s.shape[-1]
        near((u[..., :, :k] * s.unsqueeze(-2)) @ vh[..., :k, :], a.numpy(), dtype)
        near(u.mH @ u, np.broadcast_to(np.eye(u.shape[-1]), u.shape[:-2] + (u.shape[-1],) * 2), dtype)
    near(linalg.svdvals(a), np.linalg.svd(a.numpy(), compute_uv=False), dtype)


def lower(x: Any) -> Any:
    """The lower triangle, with a diagonal that is real and positive."""
    mask = torch.tensor(np.tril(np.ones((4, 4)), -1), dtype=x.dtype)
    return x * mask + torch.eye(4, dtype=x.dtype) * 2


def projector(vectors: Any) -> Any:
    """On the span of orthonormal columns, whatever their phases."""
    return vectors @ vectors.mH


# What is differentiated: functions of a square matrix whose results depend on no choice of phases.
SMOOTH: dict[str, Callable[[Any], Any]] = {
    "inv": linalg.inv,
    "solve": lambda a: linalg.solve(a, a[:, :2] * 2),
    "solve_vector": lambda a: linalg.solve(a, a[:, 0] * 2),
    "solve_right": lambda a: linalg.solve(a, a[:2] * 2, left=False),
    "det": torch.det,
    "slogdet": lambda a: torch.slogdet(a)[1],
    "sign": lambda a: torch.slogdet(a + 0j)[0],
    "logdet": lambda a: torch.logdet(hermitian(a)),
    "cholesky": lambda a: linalg.cholesky(hermitian(a)),
    "cholesky_upper": lambda a: torch.cholesky(hermitian(a), upper=True),
    "cholesky_solve": lambda a: torch.cholesky_solve(a[:, :2], lower(a)),
    "cholesky_inverse": lambda a: torch.cholesky_inverse(lower(a)),
    "solve_triangular": lambda a: linalg.solve_triangular(lower(a), a[:, :2], upper=False),
    "solve_triangular_right": lambda a: linalg.solve_triangular(lower(a).mT, a[:2], upper=True, left=False),
    "triangular_solve": lambda a: torch.triangular_solve(a[:, :2], lower(a), upper=False, transpose=True)[0],
    "eigvalsh": lambda a: linalg.eigvalsh(hermitian(a)),
    "projector": lambda a: projector(linalg.eigh(hermitian(a))[1][:, :2]),
    "svdvals": lambda a: linalg.svdvals(a[:, :3]),
    "singular_projector": lambda a: projector(linalg.svd(a[:, :3], False)[0][:, :2]),
    "right_projector": lambda a: projector(linalg.svd(a[:3])[2][:2].mH),
    "pinv": lambda a: linalg.pinv(a[:, :3]),
    "pinv_wide": lambda a: linalg.pinv(a[:2]),
    "qr": lambda a: projector(linalg.qr(a[:, :3])[0]),
    "qr_r": lambda a: linalg.qr(a)[1].abs(),
    "qr_wide": lambda a: linalg.qr(a[:2])[1].abs(),
    "lu_factor": lambda a: linalg.lu_factor(a)[0],
    "cond": linalg.cond,
}


def loss_of(function: Callable[[Any], Any], weights: Any) -> Callable[[Any], Any]:
    """A real number that depends on every element of the result."""

    def loss(a: Any) -> Any:
        out = function(a)
        return (
            torch.real(out * weights[: out.numel()].reshape(out.shape))
            if out.is_complex()
            else out * torch.real(weights[: out.numel()]).reshape(out.shape)
        ).sum()

    return loss


def directional(function: Callable[[Any], Any], a: Any, direction: Any) -> float:
    step = 1e-6
    return (function(a + direction * step) - function(a - direction * step)).item() / (2 * step)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_are_finite_differences_to_second_order(name: str, dtype: str, seed: int):
    generator = np.random.default_rng(seed)
    a = matrices((4, 4), dtype, generator)
    direction, other = matrices((4, 4), dtype, generator), matrices((4, 4), dtype, generator)
    loss = loss_of(SMOOTH[name], matrices((1, 16), "complex128", generator)[0])

    def slope(x: Any) -> Any:
        leaf = x.detach().requires_grad_()
        (g,) = torch.autograd.grad(loss(leaf), leaf)
        return torch.real(g.conj() * other).sum()

    leaf = a.clone().requires_grad_()
    (g,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
    first = torch.real(g.conj() * direction).sum()
    assert first.item() == pytest.approx(directional(loss, a, direction), rel=1e-5, abs=1e-6)
    (second,) = torch.autograd.grad(torch.real(g.conj() * other).sum(), leaf)
    found = torch.real(second.conj() * direction).sum().item()
    assert found == pytest.approx(directional(slope, a, direction), rel=1e-4, abs=1e-5)


def test_a_singular_matrix_is_a_linalgerror_that_names_it():
    eye, zeros = torch.eye(3), torch.zeros(3, 3)
    assert issubclass(linalg.LinAlgError, RuntimeError)
    with pytest.raises(linalg.LinAlgError, match=r"linalg.inv: \(Batch element 1\): The diagonal element 1 is zero"):
        linalg.inv(torch.stack([eye, zeros]))
    with pytest.raises(linalg.LinAlgError, match="The solver failed because the input matrix is singular"):
        linalg.solve(zeros, eye)
    with pytest.raises(linalg.LinAlgError, match="leading minor of order 1 is not positive-definite"):
        linalg.cholesky(-eye)
    assert linalg.inv_ex(zeros).info.item() == 1 and linalg.cholesky_ex(-eye).info.item() == 1
    with pytest.raises(RuntimeError, match="must be batches of square matrices, but they are 2 by 3 matrices"):
        torch.det(torch.zeros(2, 3))
    with pytest.raises(NotImplementedError, match="lu_cpu.*Half"):
        torch.det(eye.half())


def test_determinants_of_singular_matrices_have_pytorchs_gradient_zero():
    a = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    torch.det(a).backward()
    assert a.grad.tolist() == [[0, 0], [0, 0]]


def test_batches_broadcast_and_gradients_are_summed():
    generator = np.random.default_rng(0)
    a = matrices((4, 4), "float64", generator).requires_grad_()
    b = matrices((3, 4, 2), "float64", generator).requires_grad_()
    out = linalg.solve(a, b)
    assert out.shape == (3, 4, 2)
    ga, gb = torch.autograd.grad(out.sum(), (a, b))
    expected = sum(torch.autograd.grad(linalg.solve(a, b[i]).sum(), a)[0] for i in range(3))
    np.testing.assert_allclose(ga.numpy(), expected.numpy(), rtol=1e-12)
    assert gb.shape == b.shape


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_transforms_follow():
    a = matrices((3, 4, 4), "float64", np.random.default_rng(1))
    mapped = torch.func.vmap(linalg.inv)(a)
    np.testing.assert_allclose(mapped.numpy(), np.linalg.inv(a.numpy()), rtol=1e-12)
    value, tangent = torch.func.jvp(torch.det, (a[0],), (torch.eye(4, dtype=torch.float64),))
    np.testing.assert_allclose(tangent.item(), value.item() * np.trace(np.linalg.inv(a[0].numpy())), rtol=1e-10)


def test_named_results_and_out():
    a = matrices((4, 4), "float64", np.random.default_rng(2))
    assert linalg.svd(a)._fields == ("U", "S", "Vh") and torch.svd(a)._fields == ("U", "S", "V")
    out = torch.empty(0, dtype=torch.float64)
    assert linalg.inv(a, out=out) is out and out.shape == (4, 4)
    q, r = torch.empty(4, 4, dtype=torch.float64), torch.empty(4, 4, dtype=torch.float64)
    assert linalg.qr(a, out=(q, r)).Q is q
    np.testing.assert_allclose((q @ r).numpy(), a.numpy(), atol=1e-12)
