"""sin, cos and tan of double are right for angles of any size: compared with the C library's, which Python calls."""

import math

import numpy as np
import pytest

import tapeless as torch

NAMES = ("sin", "cos", "tan")
# Of all doubles, the one that lies nearest to a multiple of pi/2, and its cosine in 50-digit arithmetic.
NEAREST_TO_A_ZERO, ITS_COSINE = 6381956970095103.0 * 2.0**797, -4.68716592425462761e-19


def angles(seed: int) -> np.ndarray:
    """Angles of every size, with the largest ones and the ends of the ranges of two methods among them."""
    rng = np.random.default_rng(seed)
    drawn = np.ldexp(rng.uniform(-1, 1, 5000), rng.integers(-30, 1025, 5000))
    edges = [2.0**k * f for k in (52, 53, 54, 80, 1023) for f in (1, 1 - 2**-53, 1 + 2**-52)]
    return np.concatenate([drawn, edges, [1e22, -1e300]])


def assert_right(out: torch.Tensor, exact: list[float]) -> None:
    """Within two units of the last place."""
    expected = np.array(exact)
    assert (np.abs(out.detach().numpy() - expected) <= 2 * np.spacing(np.abs(expected))).all()


@pytest.mark.parametrize("name", NAMES)
def test_large_angles_have_the_c_librarys_values(name: str, seed: int):
    x = angles(seed)
    expected = [getattr(math, name)(v) for v in x]
    assert_right(getattr(torch, name)(torch.from_numpy(x)), expected)
    assert_right(getattr(torch, name)(torch.from_numpy(x).clone()), expected)
    assert_right(getattr(torch.from_numpy(x).clone(), name + "_")(), expected)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_at_large_angles_are_right(name: str, seed: int):
    values = angles(seed)
    x = torch.from_numpy(values).clone().requires_grad_()
    getattr(torch, name)(x).sum().backward()
    if name == "tan":
        assert np.allclose(x.grad.numpy(), [1 + math.tan(v) ** 2 for v in values], rtol=1e-14)
    elif name == "sin":
        assert_right(x.grad, [math.cos(v) for v in values])
    else:
        assert_right(x.grad, [-math.sin(v) for v in values])


def test_the_hardest_angle_keeps_its_digits():
    x = torch.tensor([NEAREST_TO_A_ZERO, -NEAREST_TO_A_ZERO], dtype=torch.float64)
    assert_right(x.cos(), [ITS_COSINE, ITS_COSINE])
    assert_right(x.sin(), [1.0, -1.0])
    assert_right(x.tan(), [1 / ITS_COSINE, -1 / ITS_COSINE])


@pytest.mark.parametrize("name", NAMES)
def test_infinite_angles_are_not_a_number(name: str):
    out = getattr(torch, name)(torch.tensor([math.inf, -math.inf, math.nan, 1e300], dtype=torch.float64))
    assert out.isnan().tolist() == [True, True, True, False]
