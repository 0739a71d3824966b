"""gradcheck passes right derivatives and finds wrong ones, in every mode."""

import pytest

from tests.subject import torch

check, again = torch.autograd.gradcheck, torch.autograd.gradgradcheck
MODES = [{}, {"fast_mode": True}]


def leaf(*size, dtype=torch.float64):
    torch.manual_seed(3)
    return torch.randn(*size, dtype=dtype, requires_grad=True)


class Scaled(torch.autograd.Function):
    """Three times x, whose backward says `factor` instead of 3 for the last element."""

    factor = 2.0

    @staticmethod
    def forward(ctx, x):
        return x * 3

    @staticmethod
    def backward(ctx, g):
        g = g * 3
        weights = torch.ones_like(g)
        weights.reshape(-1)[-1] = Scaled.factor / 3
        return g * weights


@pytest.mark.parametrize("mode", MODES)
def test_right_derivatives_pass(mode):
    a, b, z = leaf(2, 3), leaf(3), leaf(2, dtype=torch.complex128)
    assert check(lambda a, b: (a.sin() * b, a @ b), (a, b), **mode)
    assert check(lambda z: z * z.conj() + z**3, z, **mode)
    assert check(lambda z: (z.abs() ** 2, z.imag), (z,), **mode)
    assert check(lambda b: torch.complex(b, b * b), (b,), **mode)
    assert check(lambda a, n: a * n, (a, 3), **mode) and check(lambda a: torch.ones(2), (a,), **mode)
    assert check(lambda a: a.t().exp(), (leaf(3, 2).t().detach().requires_grad_(),), **mode)
    assert again(lambda a, b: (a.sin() * b, a @ b), (a, b), **mode) and again(lambda z: z**3, (z,), **mode)
    assert again(lambda a, b: a * b, (a, b), gen_non_contig_grad_outputs=True, **mode)
    assert a.grad is None


@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_derivative_is_named_with_its_output_and_input(mode):
    a, b = leaf(2), leaf(2)
    with pytest.raises(torch.autograd.gradcheck.__globals__["GradcheckError"], match="Jacobian mismatch for output 1"):
        check(lambda a, b: (a * b, b + Scaled.apply(a)), (a, b), **mode)
    assert not check(Scaled.apply, (a,), raise_exception=False, **mode)
    assert not check(lambda a: a.detach() * a, (a,), raise_exception=False, **mode)
    assert not check(lambda a: a.detach() ** 2, (a,), raise_exception=False, **mode)


def test_the_tolerances_decide():
    a = leaf(2)
    assert not check(Scaled.apply, (a,), raise_exception=False, rtol=0.2)
    assert check(Scaled.apply, (a,), rtol=0.6)


def test_a_wrong_second_derivative_is_found():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x.detach() ** 2

    a = leaf(3)
    assert check(Cube.apply, (a,)) and not again(Cube.apply, (a,), raise_exception=False)


def test_tangents_and_batches_are_checked_too():
    a, b = leaf(2, 3), leaf(3)
    assert check(lambda a, b: (a.sin() * b, a @ b), (a, b), check_forward_ad=True, check_batched_grad=True)
    assert check(lambda a: a.exp(), (a,), check_forward_ad=True, check_backward_ad=False, fast_mode=True)
    assert check(lambda z: z * z.conj(), (leaf(2, dtype=torch.complex128),), check_forward_ad=True)


def test_tangents_that_differ_in_a_batch_are_found():
    calls, steady = [], []

    def drifting(x):
        calls.append(1)
        late = len(calls) - steady[0] if steady else 0
        return x.sin() + max(late, 0) * (x - x.detach())

    settings = {"check_forward_ad": True, "check_backward_ad": False}
    assert check(torch.sin, (leaf(3),), **settings, check_batched_forward_grad=True)
    assert check(drifting, (leaf(3),), **settings)
    steady.append(len(calls))  # The same calls again are right; those of the batch come after them.
    calls.clear()
    with pytest.raises(RuntimeError, match="batched"):
        check(drifting, (leaf(3),), **settings, check_batched_forward_grad=True)


def test_a_backward_that_does_not_repeat_is_found():
    calls = []

    class Drifting(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            calls.append(1)
            return g * (2 + 1e-7 * len(calls))

    a = leaf(2)
    with pytest.raises(RuntimeError, match="Backward is not reentrant"):
        check(Drifting.apply, (a,))
    assert check(Drifting.apply, (a,), nondet_tol=1e-3)


def test_what_cannot_be_checked_is_said():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        check(torch.exp, (torch.ones(2),))
    with pytest.warns(UserWarning, match="is not a double precision floating point"):
        check(torch.exp, (leaf(2, dtype=torch.float32),), raise_exception=False)
    with pytest.raises(RuntimeError, match="has a dimension with stride 0"):
        check(torch.exp, (torch.ones(1, dtype=torch.float64).expand(3).requires_grad_(),))


def test_inputs_are_what_they_were_afterwards():
    a = leaf(3)
    before = a.tolist()
    check(lambda a: a.exp(), (a,))
    check(lambda a: a.exp(), (a,), fast_mode=True)
    assert a.tolist() == before
