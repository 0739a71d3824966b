"""What a node saves, which writes a version counts, and who shares a version."""

import pytest

from tests.subject import assert_same, leaf, torch

# What saves what


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda b: b + 1, [1.0, 1.0]),
        (lambda b: b - torch.ones(2), [1.0, 1.0]),
        (lambda b: b.sum(), [1.0, 1.0]),
        (lambda b: b * 2, [2.0, 2.0]),
        (lambda b: b * torch.tensor([2.0, 3.0]), [2.0, 3.0]),
        (lambda b: b / 2, [0.5, 0.5]),
        (lambda b: b[torch.tensor([0, 0])], [2.0, 0.0]),
        (lambda b: b.mean(), [0.5, 0.5]),
        (lambda b: -b, [-1.0, -1.0]),
    ],
)
def test_operations_that_save_no_input_allow_it_to_be_written(function, expected):
    a = leaf([1.0, 2.0])
    b = a * 1
    y = function(b)
    b.zero_()
    y.sum().backward()
    assert_same(a.grad, expected)


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "sqrt", "relu", "reciprocal", "rsqrt"])
def test_operations_that_save_their_result_allow_the_input_to_be_written(name):
    a = leaf([0.25, 4.0])
    b = a * 1
    y = getattr(b, name)()
    b.zero_()
    y.sum().backward()
    again = leaf([0.25, 4.0])
    getattr(again * 1, name)().sum().backward()
    assert_same(a.grad, again.grad)


@pytest.mark.parametrize("name", ["exp_", "tanh_", "sigmoid_", "sqrt_", "relu_"])
def test_in_place_operations_save_their_result(name):
    b = leaf([0.25, 4.0]) * 1
    getattr(b, name)()
    b.add_(1)
    with pytest.raises(RuntimeError, match="is at version 2; expected version 1 instead"):
        b.sum().backward()


@pytest.mark.parametrize("name", ["log", "sin", "cos", "abs", "log1p"])
def test_operations_that_save_their_input_refuse_a_write_to_it(name):
    b = leaf([0.25, 4.0]) * 1
    y = getattr(b, name)()
    b.add_(1)
    with pytest.raises(RuntimeError, match="is at version 1; expected version 0 instead"):
        y.sum().backward()


def test_a_product_saves_only_the_side_that_is_needed():
    a, constant = leaf([1.0, 2.0]), torch.tensor([3.0, 4.0])
    b = a * 1
    y = b * constant
    b.zero_()
    y.sum().backward()
    assert_same(a.grad, [3.0, 4.0])
    y = a * constant
    constant.add_(1)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.sum().backward()


# Writes that no version counts


def test_a_write_through_data_is_not_detected():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    a.data.sub_(1)
    assert a._version == 0
    y.backward()
    assert_same(a.grad, [0.0, 2.0])


def test_a_write_through_numpy_is_not_detected():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    a.detach().numpy()[:] = 10
    assert a._version == 0
    y.backward()
    assert_same(a.grad, [20.0, 20.0])


def test_a_write_through_detach_is_detected():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    a.detach().sub_(1)
    assert a._version == 1
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.backward()


# Versions


def test_who_shares_a_version():
    a = torch.ones(2)
    view, detached, data, copy = a.view(2), a.detach(), a.data, a.clone()
    a.add_(1)
    assert [t._version for t in (a, view, detached, data, copy)] == [1, 1, 1, 0, 0]
    view.add_(1)
    detached.add_(1)
    assert a._version == 3
    data.add_(1)
    assert a._version == 3 and data._version == 1


def test_what_counts_as_one_write():
    a = torch.ones(3)
    a[0] = 2.0
    assert a._version == 1
    a[1:] = torch.zeros(2)
    assert a._version == 2
    a += 1
    assert a._version == 3
    a.copy_(torch.ones(3))
    assert a._version == 4
    torch.add(a, 1, out=a)
    assert a._version == 5
    a.requires_grad_()
    a.sum().backward()
    assert a._version == 5


def test_resize_counts_only_when_the_size_changes():
    a = torch.ones(2)
    a.resize_(2)
    assert a._version == 0
    a.resize_(3)
    assert a._version == 1
    a.resize_(3)
    assert a._version == 1


def test_set_counts():
    a = leaf([1.0, 2.0])
    with torch.no_grad():
        a.set_()
    assert a._version == 1 and a.shape == (0,)


def test_mark_dirty_counts_in_addition_to_the_write():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            x.mul_(2)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    a = leaf([1.0, 2.0])
    b = a * 1
    out = Double.apply(b)
    assert out is b and b._version == 2
    out.sum().backward()
    assert_same(a.grad, [2.0, 2.0])
