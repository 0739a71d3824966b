"""What torch.special promises beyond its rows: its names, derivatives that nobody has, numbers in place of tensors."""

import math

import pytest

from tests.subject import torch

special = torch.special


def test_names_are_those_of_the_main_namespace_or_rows_of_special():
    x = torch.tensor([0.3, 0.7], dtype=torch.float64)
    assert torch.equal(special.expit(x), torch.sigmoid(x))
    assert torch.equal(special.gammaln(x), x.lgamma())
    assert torch.equal(special.psi(x), x.digamma())
    assert torch.equal(special.i0e(x), torch.exp(-x.abs()) * torch.i0(x))
    assert torch.equal(special.multigammaln(x + 2, 2), (x + 2).mvlgamma(2))
    assert set(special.__all__) <= set(dir(special)) and "Any" not in special.__all__


def test_the_derivative_of_the_first_operand_fails_only_where_it_is_wanted():
    a, x = (torch.tensor([v], requires_grad=True) for v in (1.5, 2.0))
    for function, word in ((torch.igamma, "igamma: input"), (torch.igammac, "igammac: input"), (special.zeta, "zeta")):
        out = function(a, x)
        assert [edge[0].name() for edge in out.grad_fn.next_functions] == ["torch::autograd::AccumulateGrad"] * 2
        assert torch.autograd.grad(out, x, retain_graph=True)[0].isfinite().all()
        with pytest.raises(NotImplementedError, match=f"the derivative for '{word}' is not implemented"):
            torch.autograd.grad(out, a)
        with pytest.raises(NotImplementedError, match="is not implemented"):
            torch.func.jvp(lambda v, function=function: function(v, x.detach()), (a.detach(),), (torch.ones(1),))


def test_polygamma_of_every_order_is_the_derivative_of_the_one_before():
    x = torch.tensor([0.3, 1.7, 25.0, -1.3, -40.6], dtype=torch.float64, requires_grad=True)
    for n in range(5):
        (slope,) = torch.autograd.grad(torch.polygamma(n, x).sum(), x)
        assert ((slope - x.detach().polygamma(n + 1)).abs() <= 1e-12 * slope.abs()).all()
    with pytest.raises(RuntimeError, match="does not support negative n"):
        torch.polygamma(-1, x)


def test_known_values():
    two = torch.tensor(2.0, dtype=torch.float64)
    assert special.zeta(two, 1.0).item() == pytest.approx(math.pi**2 / 6, rel=1e-15)
    assert torch.polygamma(1, two / 2).item() == pytest.approx(math.pi**2 / 6, rel=1e-15)
    assert torch.mvlgamma(two, 2).item() == pytest.approx(math.log(math.pi / 2), rel=1e-15)
    assert special.ndtr(torch.tensor(-30.0, dtype=torch.float64)).item() == pytest.approx(4.906713927148187e-198)
    large = torch.tensor([1e4, 1e6], dtype=torch.float64)
    expected = [0.5013298083399552, 0.5001329807608726]  # P(a, a) in 50-digit arithmetic.
    for value, wanted in zip(torch.igamma(large, large).tolist(), expected, strict=True):
        assert value == pytest.approx(wanted, rel=1e-15)


def test_half_types_are_refused_where_pytorch_refuses_them():
    x = torch.tensor([2.0]).half()
    with pytest.raises(NotImplementedError, match="zeta_cpu.*Half"):
        special.zeta(x, x)
    for name in ("ndtri", "log_ndtr", "erfcx"):
        with pytest.raises(NotImplementedError, match="not implemented for 'Half'"):
            getattr(special, name)(x)
