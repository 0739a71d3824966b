"""Leaves, requires_grad, retain_grad and `.grad`: what may be set, read and written."""

import pytest

from tests.subject import assert_close, assert_same, leaf, torch

LEAF_WRITE = r"a leaf Variable that requires grad is being used in an in-place operation\."
VIEW_OF_LEAF_WRITE = r"a view of a leaf Variable that requires grad is being used in an in-place operation\."
NON_LEAF_FLAG = r"you can only change requires_grad flags of leaf variables\."


# In-place writes to leaves


@pytest.mark.parametrize(
    "write",
    [
        lambda a: a.add_(1),
        lambda a: a.mul_(2),
        lambda a: a.zero_(),
        lambda a: a.fill_(3.0),
        lambda a: a.copy_(torch.ones(2)),
        lambda a: a.__iadd__(1),
        lambda a: a.exp_(),
        lambda a: a.__setitem__(slice(None), 3.0),
    ],
)
def test_writing_to_a_leaf_that_requires_grad_raises_and_changes_nothing(write):
    a = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="^" + LEAF_WRITE):
        write(a)
    assert_same(a, [1.0, 2.0])
    assert a._version == 0 and a.is_leaf


@pytest.mark.parametrize(
    "write",
    [
        lambda a: a.view(2).add_(1),
        lambda a: a[0].mul_(2),
        lambda a: a[:1].add_(1),
        lambda a: a.unsqueeze(0).zero_(),
        lambda a: a.__setitem__(0, 3),
        lambda a: a.view(1, 2).t().add_(1),
    ],
)
def test_writing_to_a_view_of_a_leaf_that_requires_grad_raises(write):
    a = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="^" + VIEW_OF_LEAF_WRITE):
        write(a)
    assert_same(a, [1.0, 2.0])


def test_mark_dirty_on_a_leaf_raises():
    class Fill(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            x.add_(1)
            return x

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(
        RuntimeError,
        match=r"a leaf Variable that requires grad has been used in an in-place operation\.",
    ):
        Fill.apply(leaf([1.0, 2.0]))


def test_a_leaf_may_be_written_under_no_grad():
    a = leaf([1.0, 2.0])
    with torch.no_grad():
        a.add_(1)
        a[0] = 7
    assert_same(a, [7.0, 3.0])
    assert a._version == 2
    assert a.is_leaf and a.requires_grad and a.grad_fn is None
    (a * a).sum().backward()
    assert_same(a.grad, [14.0, 6.0])


def test_a_view_taken_before_the_flag_was_set_is_a_view_of_a_leaf():
    a = torch.tensor([1.0, 2.0])
    v = a.view(2)
    assert not v.requires_grad
    a.requires_grad = True
    with pytest.raises(RuntimeError, match=VIEW_OF_LEAF_WRITE):
        v.add_(1)


def test_a_leaf_that_does_not_require_grad_may_be_written():
    a = torch.tensor([1.0, 2.0])
    a.add_(1)
    assert a.is_leaf and not a.requires_grad and a._version == 1


# The requires_grad flag


def test_the_flag_of_a_computed_tensor_cannot_be_cleared():
    y = leaf([1.0]) * 2
    with pytest.raises(RuntimeError, match=NON_LEAF_FLAG) as caught:
        y.requires_grad = False
    assert (
        "If you want to use a computed variable in a subgraph that doesn't require "
        "differentiation use var_no_grad = var.detach()." in str(caught.value)
    )
    with pytest.raises(RuntimeError, match=NON_LEAF_FLAG):
        y.requires_grad_(False)


def test_asking_a_computed_tensor_for_the_flag_it_has_does_nothing():
    y = leaf([1.0]) * 2
    node = y.grad_fn
    assert y.requires_grad_(True) is y
    with pytest.raises(RuntimeError, match=NON_LEAF_FLAG):
        y.requires_grad = True
    assert y.grad_fn is node and not y.is_leaf


def test_the_flag_of_a_leaf_can_be_set_and_cleared():
    a = torch.tensor([1.0])
    assert a.requires_grad_() is a and a.requires_grad
    assert a.requires_grad_(False) is a and not a.requires_grad
    a.requires_grad = True
    assert a.requires_grad and a.is_leaf and a.grad is None


def test_results_require_grad_when_one_input_does():
    a, b = leaf([1.0]), torch.tensor([2.0])
    assert (a + b).requires_grad and not (a + b).is_leaf
    assert not (b + b).requires_grad and (b + b).is_leaf
    assert not (a > b).requires_grad and (a > b).is_leaf
    assert not a.detach().requires_grad and a.detach().is_leaf
    assert not a.argmax(0).requires_grad
    assert not a.to(torch.int64).requires_grad


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_an_integer_tensor_cannot_require_grad(dtype):
    dtype = getattr(torch, dtype)
    with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"):
        torch.tensor([1, 0], dtype=dtype, requires_grad=True)
    x = torch.tensor([1, 0], dtype=dtype)
    with pytest.raises(RuntimeError, match="only Tensors of floating point dtype can require gradients"):
        x.requires_grad_()
    with pytest.raises(RuntimeError, match="only Tensors of floating point and complex dtype can require gradients"):
        x.requires_grad = True
    x.requires_grad = False
    assert not x.requires_grad


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
def test_every_floating_and_complex_dtype_can_require_grad(dtype):
    x = torch.zeros(2, dtype=getattr(torch, dtype)).requires_grad_()
    assert x.requires_grad and x.is_leaf


# Reading .grad, retain_grad


def test_reading_grad_of_a_computed_tensor_warns():
    y = leaf([1.0]) * 2
    with pytest.warns(
        UserWarning,
        match=r"^The \.grad attribute of a Tensor that is not a leaf Tensor is being accessed\.",
    ):
        assert y.grad is None


def test_reading_grad_of_a_leaf_or_after_retain_grad_is_silent():
    a = leaf([1.0, 2.0])
    y = a * 2
    assert a.grad is None
    y.retain_grad()
    assert y.grad is None and y.retains_grad and not a.retains_grad
    y.sum().backward()
    assert_same(y.grad, [1.0, 1.0])
    assert_same(a.grad, [2.0, 2.0])


def test_retain_grad_on_a_leaf_does_nothing():
    a = leaf([1.0])
    a.retain_grad()
    assert not a.retains_grad
    (a * 3).sum().backward()
    assert_same(a.grad, [3.0])


def test_retain_grad_without_requires_grad_raises():
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
        torch.tensor([1.0]).retain_grad()


def test_retained_gradient_is_stored_after_tensor_hooks_and_before_node_hooks():
    a = leaf([1.0])
    y = a.clone()
    y.register_hook(lambda g: g * 3)
    y.retain_grad()
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 2,))
    y.sum().backward()
    assert_same(y.grad, [3.0])
    assert_same(a.grad, [6.0])


def test_hooks_registered_after_retain_grad_still_come_before_it():
    a = leaf([1.0])
    y = a.clone()
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    y.sum().backward()
    assert_same(y.grad, [5.0])
    assert_same(a.grad, [5.0])


def test_retained_gradient_follows_the_newest_version_of_the_tensor():
    a = leaf([1.0, 2.0])
    y = a * 2
    y.retain_grad()
    y.mul_(3)
    (y * 5).sum().backward()
    assert_same(y.grad, [5.0, 5.0])
    assert_same(a.grad, [30.0, 30.0])


def test_retain_grad_twice_is_retain_grad_once():
    a = leaf([1.0])
    y = a * 2
    y.retain_grad()
    y.retain_grad()
    (y * 4).sum().backward()
    assert_same(y.grad, [4.0])


# In-place writes that make a tensor part of the graph


def test_adding_a_grad_tensor_in_place_makes_the_left_side_computed():
    a, b = leaf([1.0, 2.0]), torch.zeros(2)
    c = b
    b += a * 2
    assert b is c
    assert b.requires_grad and not b.is_leaf and b.grad_fn.name() == "AddBackward0"
    b.sum().backward()
    assert_same(a.grad, [2.0, 2.0])


def test_writing_an_element_makes_the_base_and_its_older_views_require_grad():
    x = leaf(5.0)
    b = torch.zeros(3)
    view, part = b.view(3), b[1:]
    b[1] = x
    assert b.requires_grad and view.requires_grad and part.requires_grad
    assert b.grad_fn.name() == "torch::autograd::CopySlices"
    assert view.grad_fn.name() == "AsStridedBackward0"
    (view * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert_same(x.grad, 10.0)


# Assigning .grad


def test_grad_may_be_assigned_read_and_deleted():
    a = leaf([1.0, 2.0])
    g = torch.tensor([3.0, 4.0])
    a.grad = g
    assert a.grad is g
    (a * 2).sum().backward()
    assert a.grad is g
    assert_same(g, [5.0, 6.0])
    del a.grad
    assert a.grad is None
    a.grad = None
    assert a.grad is None


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            1.0,
            TypeError,
            "assigned grad expected to be a Tensor or None but got grad of type float",
        ),
        (
            [1.0],
            TypeError,
            "assigned grad expected to be a Tensor or None but got grad of type list",
        ),
    ],
)
def test_assigning_something_else_than_a_tensor_raises(value, error, message):
    a = leaf([1.0, 2.0])
    with pytest.raises(error, match=message):
        a.grad = value


def test_assigning_a_gradient_of_another_shape_raises():
    with pytest.raises(
        RuntimeError,
        match=r"attempting to assign a gradient of size '\[3\]' to a tensor of size '\[2\]'\.",
    ):
        leaf([1.0, 2.0]).grad = torch.zeros(3)


def test_assigning_a_gradient_of_another_dtype_raises():
    with pytest.raises(
        RuntimeError,
        match="attempting to assign a gradient with dtype 'double' "
        r"to a tensor with grad_dtype 'Float'\.",
    ):
        leaf([1.0, 2.0]).grad = torch.zeros(2, dtype=torch.float64)


def test_a_tensor_cannot_be_its_own_gradient():
    a = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="can't assign Variable as its own grad"):
        a.grad = a


def test_grad_may_be_assigned_where_no_gradient_is_required():
    a = torch.tensor([1.0, 2.0])
    a.grad = torch.ones(2)
    assert_same(a.grad, [1.0, 1.0])
    n = torch.tensor([1, 2])
    n.grad = torch.tensor([3, 4])
    assert_same(n.grad, [3, 4])


def test_a_failed_assignment_keeps_the_old_gradient():
    a = leaf([1.0, 2.0])
    g = torch.ones(2)
    a.grad = g
    with pytest.raises(RuntimeError):
        a.grad = torch.ones(3)
    assert a.grad is g


# grad_dtype


def test_grad_dtype_is_the_dtype_of_the_leaf_until_changed():
    a = leaf([1.0, 2.0])
    assert a.grad_dtype == torch.float32
    a.grad_dtype = torch.float64
    (a * 2).sum().backward()
    assert a.grad.dtype == torch.float64
    assert_same(a.grad, [2.0, 2.0])


def test_grad_dtype_none_accepts_any_dtype():
    a = leaf([1.0, 2.0])
    a.grad_dtype = None
    assert a.grad_dtype is None
    a.grad = torch.ones(2, dtype=torch.float64)
    assert a.grad.dtype == torch.float64


def test_grad_dtype_belongs_to_leaves_only():
    y = leaf([1.0]) * 2
    with pytest.raises(RuntimeError, match=r"grad_dtype can only be accessed on leaf tensors\."):
        y.grad_dtype  # Reading it is what raises.


def test_grad_dtype_cannot_change_under_a_gradient():
    a = leaf([1.0])
    a.grad = torch.ones(1)
    with pytest.raises(RuntimeError):
        a.grad_dtype = torch.float64
    assert_same(a.grad, [1.0])


@pytest.mark.parametrize("give_up", [lambda x: x.detach_(), lambda x: x.requires_grad_(False)])
def test_a_leaf_that_gave_up_its_flag_gets_no_gradient(give_up):
    x, other = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = (x * other).sum()
    give_up(x)
    y.backward()
    assert x.grad is None
    assert_close(other.grad, [1.0, 2.0])
