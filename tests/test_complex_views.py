"""Writes through the real and imaginary parts of complex tensors, and through pairs seen as complex numbers."""

import pytest

from tests.subject import assert_close, assert_same, leaf, torch


def gradient_after(write):
    """y = x * (1+1j) after a write into it, and the gradient that |y|^2 gives x."""
    x = leaf([1 + 2j, 3 - 1j])
    y = x * (1 + 1j)  # [-1+3j, 4+2j]
    write(y)
    (y.real * y.real + y.imag * y.imag).sum().backward()
    return y, x.grad


def test_a_multiplied_real_part_is_differentiated():
    y, grad = gradient_after(lambda y: y.real.mul_(2))
    assert_close(y, [-2 + 3j, 8 + 2j])
    # d/dy is 4*2*Re(y) + 2i*Im(y) of the unwritten y, and the gradient of x is that times conj(1+1j).
    assert_close(grad, [(-8 + 6j) * (1 - 1j), (32 + 4j) * (1 - 1j)])


def test_a_filled_imaginary_part_has_no_gradient():
    y, grad = gradient_after(lambda y: y.imag.fill_(0))
    assert_close(y, [-1 + 0j, 4 + 0j])
    assert_close(grad, [(-2 + 0j) * (1 - 1j), (8 + 0j) * (1 - 1j)])


def test_what_is_copied_into_a_part_gets_that_parts_gradient():
    w = leaf([5.0, 7.0])
    y, grad = gradient_after(lambda y: y.imag.copy_(w))
    assert_close(y, [-1 + 5j, 4 + 7j])
    assert_close(grad, [(-2 + 0j) * (1 - 1j), (8 + 0j) * (1 - 1j)])
    assert_close(w.grad, [10.0, 14.0])


def test_a_part_of_a_part_can_be_written():
    y, grad = gradient_after(lambda y: y.real[1:].mul_(3))
    assert_close(y, [-1 + 3j, 12 + 2j])
    assert_close(grad, [(-2 + 6j) * (1 - 1j), (72 + 4j) * (1 - 1j)])


def test_a_view_of_a_part_sees_a_later_write_to_the_base():
    x = leaf([1 + 2j, 3 - 1j])
    y = x * 1
    part = y.real
    y.mul_(1j)
    assert_close(part, [-2.0, 1.0])
    part.sum().backward()
    assert_close(x.grad, [-1j, -1j])


def test_pairs_seen_as_complex_numbers_can_be_written():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = x * 1
    z = torch.view_as_complex(y)
    z.mul_(1j)
    assert_close(y, [[-2.0, 1.0], [-4.0, 3.0]])
    (y * torch.tensor([[1.0, 10.0], [100.0, 1000.0]])).sum().backward()
    assert_close(x.grad, [[10.0, -1.0], [1000.0, -100.0]])


def test_a_leaf_cannot_be_written_through_its_parts():
    x = leaf([1 + 2j])
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place"):
        x.real.mul_(2)
    with torch.no_grad():
        x.real.mul_(2)
    assert_same(x, [2 + 2j])


def test_second_derivatives_pass_through_such_a_write():
    x = leaf([1 + 2j])
    y = x * 1
    y.real.mul_(y.real.clone())
    (g,) = torch.autograd.grad(y.real.sum(), x, create_graph=True)
    assert_close(g, [2 + 0j])
    (second,) = torch.autograd.grad(g.real.sum(), x)
    assert_close(second, [2 + 0j])
