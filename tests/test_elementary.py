"""Elementary operations: numbers among the operands, parameters, operations beside the table, and what is refused."""

import math

import numpy as np
import pytest

from tests.subject import run_alone, torch

X = [0.5, -1.25, 2.0]


def test_numbers_alone_give_a_tensor_without_dimensions():
    for name, expected in (("add", 5), ("sub", -1), ("mul", 6), ("floor_divide", 0)):
        out = getattr(torch, name)(2, 3)
        assert out.shape == () and out.dtype == torch.int64 and out.item() == expected
    assert torch.div(1, 4).item() == 0.25 and torch.mul(2.0, 3).dtype == torch.float32
    for name in ("pow", "remainder", "fmod", "xlogy", "eq", "hypot"):
        with pytest.raises(TypeError):
            getattr(torch, name)(2, 3)


def test_a_number_may_come_first_where_pytorch_takes_one():
    x, i = torch.tensor([1.0, 2.0]), torch.tensor([1, 6])
    assert torch.pow(2, x).tolist() == [2.0, 4.0]
    assert torch.xlogy(2, x).tolist() == pytest.approx([0.0, 2 * math.log(2)])
    assert torch.remainder(7, x + 2).tolist() == [1.0, 3.0]
    assert torch.float_power(2, x).dtype == torch.float64
    assert torch.bitwise_and(5, i).tolist() == [1, 4] and torch.bitwise_left_shift(1, i).tolist() == [2, 64]
    for name in ("fmod", "copysign", "eq", "maximum", "atan2", "clamp_min", "heaviside"):
        with pytest.raises(TypeError, match="must be Tensor"):
            getattr(torch, name)(2, x)


def test_shift_operators_and_their_in_place_forms():
    x = torch.tensor([1, 2, -8])
    assert (x << 1).tolist() == [2, 4, -16] and (x >> 1).tolist() == [0, 1, -4] and (1 << x[:2]).tolist() == [2, 4]
    y = x.clone()
    y <<= 2
    y >>= 1
    assert y.tolist() == [2, 4, -16]


def test_in_place_functions_stand_in_the_namespace():
    x = torch.tensor([0.25, 2.5])
    assert torch.clamp_(x, 0.5, 2.0) is x and x.tolist() == [0.5, 2.0]
    assert torch.clip_(x, max=1.0) is x and torch.square_(x) is x and x.tolist() == [0.25, 1.0]
    assert torch.nan_to_num_(torch.tensor([math.nan]), nan=3.0).item() == 3.0
    i = torch.tensor([12, 18])
    assert torch.gcd_(i, torch.tensor([8, 27])).tolist() == [4, 9]


# --- Parameters: numbers with a keyword and a default ---


def test_the_value_of_addcmul_and_addcdiv():
    x, y, z = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (X, [1.0, 2.0, 3.0], [2.0, 4.0, -5.0]))
    out = torch.addcmul(x, y, z, value=-0.5)
    assert out.tolist() == pytest.approx([a - 0.5 * b * c for a, b, c in zip(X, [1, 2, 3], [2, 4, -5], strict=True)])
    assert out.grad_fn.name() == "AddcmulBackward0" and out.grad_fn._saved_value == -0.5
    grads = torch.autograd.grad(out.sum(), (x, y, z))
    assert [g.tolist() for g in grads] == [[1.0] * 3, [-1.0, -2.0, 2.5], [-0.5, -1.0, -1.5]]
    out = x.addcdiv(y, z, value=3)
    assert out.tolist() == pytest.approx([a + 3 * b / c for a, b, c in zip(X, [1, 2, 3], [2, 4, -5], strict=True)])
    i = torch.tensor([1, 2])
    assert torch.addcmul(i, i, i, value=0.5).tolist() == [1, 2], "in integers a half is 0"
    assert i.addcmul_(i, i, value=2).tolist() == [3, 10]
    with pytest.raises(TypeError):
        torch.addcmul(x, y, z, 2)
    with pytest.raises(RuntimeError, match="value cannot be converted"):
        torch.addcmul(x, y, z, value=1j)
    with pytest.raises(RuntimeError, match="Integer division with addcdiv"):
        torch.addcdiv(x, i, i)


def test_parameters_pass_batches_and_tangents():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    batched = torch.func.vmap(lambda a: torch.addcmul(a, a, a, value=3.0))(x)
    assert batched.tolist() == (x + 3 * x * x).tolist()
    _, tangent = torch.func.jvp(lambda a: torch.addcmul(a, a, a, value=3.0), (x,), (torch.ones_like(x),))
    assert tangent.tolist() == (1 + 6 * x).tolist()
    weights = torch.func.vmap(lambda a, w: torch.lerp(a, 2 * a, w), in_dims=(0, None))(x, 0.25)
    assert weights.tolist() == (1.25 * x).tolist()
    _, tangent = torch.func.jvp(lambda a: torch.logit(a, eps=0.1), (x / 5,), (torch.ones_like(x),))
    p = (x / 5).numpy()
    np.testing.assert_allclose(tangent.numpy(), 1 / (p * (1 - p)), rtol=1e-12)


def test_lerp_is_exact_at_both_ends_and_converts_nothing():
    x, y = torch.tensor([1e8, -3.0]), torch.tensor([1.0, 1e-8])
    assert torch.equal(torch.lerp(x, y, 0.0), x) and torch.equal(torch.lerp(x, y, 1.0), y)
    assert torch.lerp(x, y, 0.5).grad_fn is None
    assert torch.lerp(x.requires_grad_(), y, 0.5).grad_fn.name() == "LerpBackward0"
    assert torch.lerp(x, y, y).grad_fn.name() == "LerpBackward1"
    assert torch.lerp(x, y, torch.tensor(0.5, dtype=torch.float64)).dtype == torch.float32
    with pytest.raises(RuntimeError, match="expected dtype"):
        torch.lerp(x, y.double(), 0.5)
    with pytest.raises(RuntimeError):
        torch.lerp(torch.tensor([1]), torch.tensor([3]), 0.5)
    with pytest.raises(TypeError):
        torch.lerp(x, 2.0, 0.5)


def test_nan_to_num_fills_with_what_the_dtype_can_hold():
    odd = [math.nan, math.inf, -math.inf, 1.5]
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        largest = torch.finfo(dtype).max
        assert torch.nan_to_num(torch.tensor(odd, dtype=dtype)).tolist() == [0.0, largest, -largest, 1.5]
    x = torch.tensor(odd, requires_grad=True)
    out = x.nan_to_num(7.0, neginf=-2)
    assert out.tolist()[0] == 7.0 and out.tolist()[2] == -2.0
    out.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0, 1.0]
    assert torch.nan_to_num(torch.tensor([3, 4]), nan=9.0).tolist() == [3, 4]


def test_logit_limits_its_input_only_if_told_to():
    x = torch.tensor([-0.5, 0.0, 0.25, 0.5, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    plain = torch.logit(x)
    values = plain.tolist()
    assert math.isnan(values[0]) and values[1] == -math.inf and values[3] == 0 and values[4] == math.inf
    limited = torch.logit(x, 0.2)
    assert limited.tolist() == pytest.approx([-math.log(4)] * 2 + [-math.log(3), 0.0] + [math.log(4)] * 2)
    (g,) = torch.autograd.grad(limited.sum(), x)
    assert g.tolist() == pytest.approx([0.0, 0.0, 16 / 3, 4.0, 0.0, 0.0])
    (g,) = torch.autograd.grad(plain.sum(), x)
    assert math.isnan(g[0]) and g[1] == math.inf and math.isnan(g[5])
    near = torch.logit(torch.tensor([0.5 + 2.0**-40], dtype=torch.float64))
    assert near.item() == pytest.approx(2.0**-38, rel=1e-12)
    with pytest.raises(TypeError, match="eps"):
        torch.logit(x, "a")


# --- Numbers and their bits ---


def test_frexp_takes_numbers_apart_and_ldexp_puts_them_together():
    values = [1.0, -0.75, 3.5, 1e300, 5e-324, 2.0**-1030, math.nextafter(2.0, 0.0), 0.0, -0.0]
    x = torch.tensor(values, dtype=torch.float64)
    mantissa, exponent = torch.frexp(x)
    assert exponent.dtype == torch.int32
    for value, m, e in zip(values, mantissa.tolist(), exponent.tolist(), strict=True):
        assert (m, e) == math.frexp(value)
    assert torch.ldexp(torch.tensor([0.75, -1.0]), torch.tensor([3, -2])).tolist() == [6.0, -0.25]
    odd = torch.frexp(torch.tensor([math.inf, math.nan]))
    assert odd.mantissa[0] == math.inf and math.isnan(odd.mantissa[1]) and odd.exponent.tolist() == [0, 0]
    half = torch.frexp(torch.tensor([2.0**-24, 1000.0], dtype=torch.float16))
    assert half.mantissa.dtype == torch.float16 and half.exponent.tolist() == [-23, 10]
    x = torch.tensor([3.0, 0.2], requires_grad=True)
    out = torch.frexp(x)
    assert out.mantissa.grad_fn.name() == "FrexpBackward0"
    assert torch.autograd.grad(out.mantissa.sum(), x)[0].tolist() == [0.25, 4.0]
    with pytest.raises(RuntimeError, match="only supports floating-point"):
        torch.frexp(torch.tensor([1]))


def test_nextafter_steps_in_the_dtype_of_its_operands():
    start, end = [1.0, 1.0, 0.0, -0.0, -2.0, math.inf, 1.5], [2.0, 0.0, -1.0, 1.0, -3.0, 0.0, 1.5]
    for dtype, name in ((torch.float16, np.float16), (torch.float32, np.float32), (torch.float64, np.float64)):
        out = torch.nextafter(torch.tensor(start, dtype=dtype), torch.tensor(end, dtype=dtype))
        expected = np.nextafter(np.array(start, name), np.array(end, name))
        assert out.tolist() == expected.tolist()
    one = torch.ones(1, dtype=torch.bfloat16)
    assert torch.nextafter(one, one + 1).item() == 1 + 2.0**-7
    odd = torch.tensor([math.nan, 1.0])
    assert torch.nextafter(odd, torch.tensor([1.0, math.nan])).isnan().all()
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    out = torch.nextafter(x, torch.tensor([2.0, 2.0]))
    assert out.grad_fn.name() == "NextafterBackward0"
    assert torch.autograd.grad(out.sum(), x)[0].tolist() == [1.0, 0.0]
    wide = torch.zeros(3, 2).t()
    assert torch.nextafter(wide, torch.ones(3)).stride() == wide.stride()
    y = torch.zeros(2)
    assert y.nextafter_(torch.ones(2)) is y and y[0] > 0
    with pytest.raises(NotImplementedError):
        torch.nextafter(torch.tensor([1]), torch.tensor([2]))


def test_float_power_computes_in_double_precision():
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    out = torch.float_power(x, 2)
    assert out.dtype == torch.float64 and out.grad_fn.name() == "PowBackward0"
    assert torch.float_power(torch.tensor([2]), torch.tensor([3.0])).item() == 8.0
    assert torch.float_power(x.detach(), 1j).dtype == torch.complex128
    y = torch.tensor([2.0], dtype=torch.float64)
    assert y.float_power_(3) is y and y.item() == 8.0
    with pytest.raises(RuntimeError, match="requires dtype"):
        x.detach().float_power_(2)
    with pytest.raises(RuntimeError, match="requires dtype"):
        torch.float_power(x.detach(), 2, out=torch.empty(2))
    with pytest.raises(TypeError):
        torch.float_power(2, 3)


# --- Complex numbers ---


def test_complex_polar_and_angle_are_inverse():
    size = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64, requires_grad=True)
    turn = torch.tensor([0.5, -3.0, 2.0], dtype=torch.float64, requires_grad=True)
    z = torch.polar(size, turn)
    assert z.grad_fn.name() == "PolarBackward0"
    np.testing.assert_allclose(
        z.detach().numpy(), size.detach().numpy() * np.exp(1j * turn.detach().numpy()), rtol=1e-15
    )
    assert torch.allclose(torch.angle(z), turn) and torch.allclose(z.abs(), size)
    g = torch.tensor([1 + 2j, 3j, -1.0], dtype=torch.complex128)
    found = torch.autograd.grad(z, (size, turn), g, retain_graph=True)
    unit = np.exp(1j * turn.detach().numpy())
    np.testing.assert_allclose(found[0].numpy(), (g.numpy().conj() * unit).real, rtol=1e-14)
    np.testing.assert_allclose(
        found[1].numpy(), (g.numpy().conj() * 1j * unit * size.detach().numpy()).real, rtol=1e-14
    )
    w = torch.complex(torch.ones(2, 1), torch.zeros(3))
    assert w.shape == (2, 3) and w.dtype == torch.complex64 and w.tolist()[0] == [1 + 0j] * 3
    with pytest.raises(RuntimeError, match="Expected object of scalar type Float"):
        torch.complex(torch.ones(1), torch.ones(1).double())
    with pytest.raises(RuntimeError, match="Expected both inputs"):
        torch.complex(torch.tensor([1]), torch.tensor([1]))
    with pytest.raises(TypeError):
        torch.polar(torch.ones(1), 2.0)


def test_infinite_parts_stay_apart():
    z = torch.complex(torch.tensor([math.inf, 1.0]), torch.tensor([0.0, math.inf]))
    assert z.real.tolist() == [math.inf, 1.0] and z.imag.tolist() == [0.0, math.inf]


def test_the_angle_of_real_numbers():
    x = torch.tensor([-1.0, 2.0, 0.0, -0.0, math.nan], requires_grad=True)
    out = torch.angle(x)
    assert out.tolist()[:4] == pytest.approx([math.pi, 0.0, 0.0, 0.0]) and math.isnan(out.tolist()[4])
    assert torch.autograd.grad(out.sum(), x)[0].tolist()[:4] == [0.0] * 4
    assert torch.angle(torch.tensor([3, -3])).tolist() == pytest.approx([0.0, math.pi])
    z = torch.tensor([1 + 2j, 0j], dtype=torch.complex128, requires_grad=True)
    (g,) = torch.autograd.grad(torch.angle(z).sum(), z)
    assert g.tolist() == pytest.approx([-0.4 + 0.2j, 0j])


# --- Refused dtypes ---


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x, i: torch.heaviside(x, i), RuntimeError, "different dtypes"),
        (lambda x, i: torch.heaviside(x + 0j, x + 0j), RuntimeError, "complex"),
        (lambda x, i: torch.fmax(x + 0j, x), RuntimeError, "not implemented for complex"),
        (lambda x, i: torch.isposinf(x + 0j), RuntimeError, "complex"),
        (lambda x, i: torch.deg2rad(x + 0j), RuntimeError, "complex"),
        (lambda x, i: torch.frac(i), NotImplementedError, "frac"),
        (lambda x, i: torch.hypot(i, i), NotImplementedError, "hypot"),
        (lambda x, i: torch.gcd(x, x), NotImplementedError, "gcd"),
        (lambda x, i: torch.gcd(i > 0, i > 0), NotImplementedError, "gcd"),
        (lambda x, i: torch.fmod(i, 0), RuntimeError, "ZeroDivisionError"),
        (lambda x, i: torch.logaddexp(i, i), NotImplementedError, "logaddexp"),
    ],
)
def test_what_pytorch_refuses_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call(torch.tensor([1.0, 2.0]), torch.tensor([1, 2]))


def test_square_counts_truths_and_keeps_other_dtypes():
    assert torch.square(torch.tensor([True, False])).dtype == torch.int64
    assert torch.square(torch.tensor([3], dtype=torch.int8)).dtype == torch.int8
    x = torch.tensor([3.0], requires_grad=True)
    assert torch.square(x).grad_fn.name() == "PowBackward0"


def test_alpha_may_be_a_tensor_of_one_element():
    x, y = torch.ones(2), torch.full((2,), 3.0)
    alpha = torch.tensor(0.5)
    assert torch.add(x, y, alpha=alpha).tolist() == [2.5, 2.5]
    assert x.sub_(y, alpha=-alpha).tolist() == [2.5, 2.5]
    with pytest.raises(TypeError, match="argument 'alpha' must be Number"):
        torch.add(x, y, alpha=torch.ones(2))


def test_a_number_may_stand_ahead_as_in_old_programs():
    program = """
        import warnings
        x, y = torch.ones(2), torch.full((2,), 3.0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            print(x.add(2, y).tolist(), torch.sub(x, 0.5, y).tolist(), x.clone().add_(-1.0, y).tolist())
            print(x.addcmul(2, y, y).tolist(), x.clone().addcdiv_(-1, x, y * 2 / 3).tolist())
        print(len(caught), str(caught[0].message).splitlines()[0])
        """
    assert run_alone(program).splitlines() == [
        "[7.0, 7.0] [-0.5, -0.5] [-2.0, -2.0]",
        "[19.0, 19.0] [0.5, 0.5]",
        "1 This overload of add is deprecated:",
    ]
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        torch.add(torch.ones(2), torch.ones(2), torch.ones(2))


def test_divide_is_div():
    x = torch.tensor([7.0, -7.0])
    assert torch.divide(x, 2).tolist() == [3.5, -3.5] and x.divide(2, rounding_mode="floor").tolist() == [3.0, -4.0]
    assert x.divide_(2, rounding_mode="trunc").tolist() == [3.0, -3.0] and x.tolist() == [3.0, -3.0]
