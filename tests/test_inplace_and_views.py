"""In-place writes and views: what is detected, how the graph is rewritten, what is refused."""

import inspect
import re

import pytest

from tests.subject import assert_close, assert_same, leaf, torch

MODIFIED = (
    "one of the variables needed for gradient computation has been modified by an inplace "
    "operation: [torch.{}Tensor [{}]]{} is at version {}; expected version {} instead."
)
NO_GRAD_VIEW = "A view was created in no_grad mode and is being modified inplace with grad mode enabled."
MULTIPLE_VIEWS = "This view is the output of a function that returns multiple views."
COPY_SLICES = "torch::autograd::CopySlices"


def modified(kind, size, source, found, expected):
    """A pattern for the message of a saved tensor that was written."""
    return re.escape(MODIFIED.format(kind, size, source, found, expected))


# A write to a saved tensor


def test_a_write_to_a_saved_result_is_found_at_backward():
    y = leaf([1.0, 2.0]).exp()
    y.add_(1)
    message = modified("Float", 2, ", which is output 0 of Exp,", 1, 0)
    with pytest.raises(RuntimeError, match=message) as caught:
        y.sum().backward()
    assert "torch.autograd.set_detect_anomaly(True, check_nan=False)" in str(caught.value)


def test_a_write_to_a_saved_leaf_is_found_and_names_no_output():
    w, a = leaf([3.0, 4.0]), leaf([1.0, 2.0])
    y = (w * a).sum()
    with torch.no_grad():
        w.sub_(1)
    with pytest.raises(RuntimeError, match=modified("Float", 2, "", 1, 0)):
        y.backward()


def test_the_message_states_dtype_and_shape():
    a = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    b = a * 1
    y = b * b
    b.mul_(2)
    b.mul_(2)
    message = modified("Double", "2, 3", ", which is output 0 of Mul,", 2, 0)
    with pytest.raises(RuntimeError, match=message):
        y.sum().backward()


@pytest.mark.usefixtures("quietly")
def test_anomaly_mode_changes_the_hint():
    with torch.autograd.set_detect_anomaly(True):
        y = leaf([1.0, 2.0]).exp()
        y.add_(1)
        with pytest.raises(RuntimeError, match="Hint: the backtrace further above shows") as caught:
            y.sum().backward()
    assert str(caught.value).count("Good luck!") == 1


@pytest.mark.ours_differs("PyTorch does not say which lines saved and changed the tensor")
def test_the_message_names_the_line_that_saved_and_the_line_that_wrote():
    here = inspect.currentframe().f_lineno
    y = leaf([1.0, 2.0]).exp()
    z = y * 2
    y.add_(1)
    first_sentence = modified("Float", 2, ", which is output 0 of Exp,", 1, 0)
    with pytest.raises(RuntimeError, match=first_sentence) as caught:
        (y + z).sum().backward()
    message = str(caught.value)
    assert f"test_inplace_and_views.py:{here + 1}" in message
    assert f"test_inplace_and_views.py:{here + 3}" in message


def test_overlapping_slices_are_found():
    b = leaf([1.0, 2.0, 3.0, 4.0]) * 1
    y = (b[:2] * b[:2]).sum()
    b[1:].fill_(1)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.backward()


@pytest.mark.ours_differs("PyTorch refuses disjoint slices of one buffer too")
def test_a_write_beside_a_saved_slice_is_harmless():
    a = leaf([1.0, 2.0, 3.0, 4.0])
    b = a * 1
    y = (b[:2] * b[:2]).sum()
    b[2:].fill_(1)
    y.backward()
    assert_same(a.grad, [2.0, 4.0, 0.0, 0.0])


# Views made under no_grad


def test_a_view_made_under_no_grad_cannot_be_written_outside():
    b = leaf([1.0, 2.0]) * 1
    with torch.no_grad():
        view = b.view(2)
    with pytest.raises(RuntimeError, match="^" + NO_GRAD_VIEW) as caught:
        view.add_(1)
    assert "You can clarify your code by moving both the view and the inplace" in str(caught.value)
    assert_same(b, [1.0, 2.0])


def test_a_view_made_and_written_under_no_grad_is_fine():
    a = leaf([1.0, 2.0])
    b = a * 1
    with torch.no_grad():
        view = b.view(2)
        view.add_(1)
    assert_same(b, [2.0, 3.0])
    assert repr(view) == "tensor([2., 3.], grad_fn=<Invalid>)"
    b.sum().backward()
    assert_same(a.grad, [1.0, 1.0])


# Functions that return several views


@pytest.mark.parametrize(
    ("views", "name"),
    [
        (lambda b: b.split(1), "Split"),
        (lambda b: b.chunk(2), "Split"),
        (lambda b: b.unbind(), "Unbind"),
        (list, "Unbind"),
        (lambda b: b.split([1, 1]), "SplitWithSizes"),
    ],
)
def test_one_of_several_views_cannot_be_written(views, name):
    b = (leaf([1.0, 2.0, 3.0, 4.0]) * 1).view(2, 2)
    with pytest.raises(RuntimeError) as caught:
        views(b)[0].add_(1)
    message = str(caught.value)
    assert message.startswith(f"Output 0 of {name} is a view and is being modified inplace.")
    assert MULTIPLE_VIEWS in message
    assert "You should replace the inplace operation by an out-of-place one." in message
    assert_same(b, [[1.0, 2.0], [3.0, 4.0]])


def test_a_sibling_of_a_view_written_under_no_grad_cannot_be_used():
    b = leaf([1.0, 2.0, 3.0, 4.0]) * 1
    first, second = b.split(2)
    with torch.no_grad():
        first.add_(1)
    with pytest.raises(
        RuntimeError,
        match="Output 1 of Split is a view and its base or another view of its base "
        r"has been modified inplace\.",
    ):
        second * 2


@pytest.mark.parametrize("name", ["unsafe_split", "unsafe_chunk"])
def test_the_unsafe_forms_may_be_written(name):
    a = leaf([1.0, 2.0, 3.0, 4.0])
    first, _ = getattr(a * 1, name)(2)
    first.add_(1)
    (first * first).sum().backward()
    assert_same(a.grad, [4.0, 6.0, 0.0, 0.0])


@pytest.mark.ours_differs("PyTorch's message speaks of no_grad mode, which was not used")
def test_the_message_for_a_split_of_a_plain_tensor_names_the_real_cause():
    first, _ = torch.zeros(4).split(2)
    with pytest.raises(RuntimeError) as caught:
        first.mul_(leaf([1.0, 2.0]))
    assert MULTIPLE_VIEWS in str(caught.value)
    assert "no_grad mode" not in str(caught.value)


def test_several_views_of_a_plain_tensor_may_be_written_without_gradient():
    x = torch.zeros(4)
    first, second = x.split(2)
    first.add_(1)
    second.fill_(7)
    assert_same(x, [1.0, 1.0, 7.0, 7.0])


# The graph after a write


def test_a_write_through_a_view_rewrites_base_and_view():
    a = leaf([1.0, 2.0, 3.0, 4.0])
    b = a * 1
    view = b[:2]
    assert view.grad_fn.name() == "SliceBackward0"
    view.mul_(2)
    assert b.grad_fn.name() == COPY_SLICES
    assert view.grad_fn.name() == "AsStridedBackward0"
    assert view.grad_fn is view.grad_fn
    (b * torch.tensor([1.0, 10.0, 100.0, 1000.0])).sum().backward()
    assert_same(a.grad, [2.0, 20.0, 100.0, 1000.0])


def test_a_write_to_the_base_is_seen_by_an_older_view():
    a = leaf([1.0, 2.0, 3.0, 4.0])
    b = a * 1
    view = b[:2]
    b.mul_(3)
    assert b.grad_fn.name() == "MulBackward0"
    assert view.grad_fn.name() == "AsStridedBackward0"
    view.sum().backward()
    assert_same(a.grad, [3.0, 3.0, 0.0, 0.0])


def test_a_view_of_a_view_is_a_view_of_the_base():
    a = torch.ones(2, 3)
    view = a.t()[1].view(2)
    assert view._is_view() and view._base is a and a._base is None
    assert not a.detach()._is_view() and not a.clone()._is_view()


def test_a_write_through_a_view_of_a_view():
    a = leaf([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    b = a * 1
    column = b.t()[1]
    column[1] = 50.0
    column.mul_(10)
    assert_same(b, [[1.0, 20.0, 3.0], [4.0, 500.0, 6.0]])
    (b * b).sum().backward()
    assert_same(a.grad, [[2.0, 400.0, 6.0], [8.0, 0.0, 12.0]])


def test_two_overlapping_views_written_in_turn():
    a = leaf([1.0, 2.0, 3.0])
    b = a * 1
    left, right = b[:2], b[1:]
    left.mul_(2)
    with pytest.raises(
        RuntimeError,
        match="unsupported operation: some elements of the input tensor and the written-to tensor "
        "refer to a single memory location",
    ):
        right.mul_(left)
    right.mul_(left.clone())
    assert_same(b, [2.0, 8.0, 12.0])
    assert_same(left, [2.0, 8.0])
    b.sum().backward()
    assert_same(a.grad, [10.0, 10.0, 4.0])


def test_a_tensor_may_be_written_with_itself():
    a = leaf([1.0, 2.0])
    b = a * 1
    b.mul_(b)
    b.add_(b)
    assert_same(b, [2.0, 8.0])
    b = a * 1
    b += b.clone()
    b.sum().backward()
    assert_same(a.grad, [2.0, 2.0])


def test_masked_and_slice_writes_cut_the_gradient_of_what_they_replace():
    a, x = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([10.0, 20.0])
    b = a * 2
    b[0] = x
    b[1, 0] = 5.0
    (b * b).sum().backward()
    assert_same(a.grad, [[0.0, 0.0], [0.0, 32.0]])
    assert_same(x.grad, [20.0, 40.0])


def test_copy_casts_and_broadcasts_and_has_a_gradient():
    source = leaf([1.0, 2.0], dtype=torch.float64)
    target = torch.zeros(3, 2)
    assert target.copy_(source) is target
    assert target.grad_fn.name() == "torch::autograd::CopyBackwards"
    (target * target).sum().backward()
    assert source.grad.dtype == torch.float64
    assert_same(source.grad, [6.0, 12.0])


def test_zero_fill_and_copy_cut_the_graph_behind():
    a = leaf([1.0, 2.0])
    b = a * 2
    b.zero_()
    assert b.requires_grad and b.grad_fn.name() == "ZeroBackward0"
    b.sum().backward()
    assert_same(a.grad, [0.0, 0.0])


# detach_


def test_a_view_cannot_be_detached_in_place():
    view = (leaf([1.0, 2.0]) * 1)[:1]
    with pytest.raises(RuntimeError, match=r"Can't detach views in-place\. Use detach\(\) instead\."):
        view.detach_()


def test_a_saved_input_that_was_detached_in_place_raises():
    b = leaf([1.0, 2.0]) * 1
    y = b * b
    b.detach_()
    with pytest.raises(
        RuntimeError,
        match=r"Trying to use a saved tensor that has been detached in-place, i\.e\. with "
        r"\.detach_\(\)\.",
    ):
        y.sum().backward()


def test_detaching_the_base_leaves_its_views_in_the_graph():
    a = leaf([1.0, 2.0])
    b = a * 3
    view = b.view(2)
    assert b.detach_() is b
    assert not b.requires_grad and b.is_leaf and view.requires_grad
    view.sum().backward()
    assert_same(a.grad, [3.0, 3.0])


# Refused writes


@pytest.mark.parametrize("write", [lambda x: x.add_(1), lambda x: x.mul_(x), lambda x: torch.exp(torch.ones(3), out=x)])
def test_a_write_to_elements_that_share_memory_raises(write):
    x = torch.ones(1)
    with pytest.raises(
        RuntimeError,
        match="unsupported operation: more than one element of the written-to tensor refers to a "
        r"single memory location\. Please clone\(\) the tensor before performing the operation\.",
    ):
        write(x.expand(3))
    assert_same(x, [1.0])


@pytest.mark.parametrize("which", ["input", "output"])
def test_out_does_not_differentiate(which):
    x, out = torch.tensor([1.0, 2.0]), torch.zeros(2)
    (x if which == "input" else out).requires_grad_()
    with pytest.raises(
        RuntimeError,
        match=r"mul\(\): functions with out=\.\.\. arguments don't support automatic "
        r"differentiation, but one of the arguments requires grad\.",
    ):
        torch.mul(x, 2, out=out)
    with torch.no_grad():
        assert torch.mul(x, 2, out=out) is out
    assert_same(out, [2.0, 4.0])


def test_a_grad_tensor_cannot_be_resized():
    a = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        a.resize_(3)


def test_data_may_change_the_shape_but_not_to_an_integer_dtype():
    a = leaf([1.0, 2.0])
    a.data = torch.tensor([1.0, 2.0, 3.0])
    assert a.shape == (3,) and a._version == 0 and a.requires_grad
    (a * a).sum().backward()
    assert_same(a.grad, [2.0, 4.0, 6.0])
    with pytest.raises(
        RuntimeError,
        match="data set to a tensor that requires gradients must be floating point or complex",
    ):
        a.data = torch.tensor([1, 2])


def test_a_result_must_fit_the_dtype_and_shape_that_is_written():
    n = torch.tensor([1, 2])
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        n.add_(1.5)
    x = torch.ones(2)
    with pytest.raises(
        RuntimeError,
        match=r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]",
    ):
        x.add_(torch.ones(3, 2))
    assert_same(n, [1, 2])
    assert_same(x, [1.0, 1.0])


# Identity and strides


def test_what_returns_the_same_object():
    x, line = torch.ones(2, 3), torch.ones(3)
    assert x.contiguous() is x and x.to(torch.float32) is x and x.float() is x
    assert x.cpu() is x and x.to("cpu") is x
    assert line.flatten() is line
    others = (x.view(2, 3), x.reshape(2, 3), x.detach(), x.clone(), x.t().t(), x.expand(2, 3))
    assert all(other is not x for other in others)
    assert all(other is not line for other in (line[...], line[:], line.reshape(3)))


def test_what_is_a_view():
    x = torch.ones(2, 3)
    views = (x.view(6), x.reshape(6), x.t(), x[0], x[:, 1:], x.unsqueeze(0), x.expand(4, 2, 3))
    assert all(view._is_view() and view._base is x for view in views)
    copies = (x.t().reshape(6), x.clone(), x.t().contiguous(), x.double(), x + 0, x.detach())
    assert not any(copy._is_view() for copy in copies)


def test_names_of_the_nodes_of_views():
    a = leaf([[1.0, 2.0], [3.0, 4.0]])
    names = {
        "ViewBackward0": [a.view(4), a.reshape(4), a.flatten()],
        "ReshapeAliasBackward0": [a[:, 0].reshape(1, 2), a.t().reshape(2, 1, 2)],
        "UnsafeViewBackward0": [a.t().reshape(4)],
        "TBackward0": [a.t()],
        "TransposeBackward0": [a.transpose(0, 1)],
        "PermuteBackward0": [a.permute(1, 0)],
        "SelectBackward0": [a[0], a.select(0, 1)],
        "SliceBackward0": [a[:, :1], a.narrow(0, 0, 1), a[:], a[0:2]],
        "UnsqueezeBackward0": [a.unsqueeze(0), a[None]],
        "SqueezeBackward1": [a.unsqueeze(0).squeeze(0)],
        "ExpandBackward0": [a.expand(3, 2, 2)],
        "AsStridedBackward0": [a.as_strided((2,), (1,))],
        "CloneBackward0": [a.clone(), a.t().contiguous()],
        "SplitBackward0": [a.split(1)[1]],
        "UnbindBackward0": [a.unbind()[1]],
        "AliasBackward0": [a[...], a[:, :], a[(slice(None),)]],
    }
    for name, tensors in names.items():
        assert [t.grad_fn.name() for t in tensors] == [name] * len(tensors)


def test_ravel_copies_what_has_gaps():
    x = torch.ones(4, 4)
    assert x.ravel().data_ptr() == x.data_ptr()
    assert x[:, 0].ravel().data_ptr() != x.data_ptr()


def test_strides_of_views_and_of_results():
    x = torch.ones(2, 3, 4)
    assert x.stride() == (12, 4, 1)
    assert x.permute(2, 0, 1).stride() == (1, 12, 4)
    assert x[:, ::2].stride() == (12, 8, 1) and x[:, 1].storage_offset() == 4
    assert x.expand(5, 2, 3, 4).stride() == (0, 12, 4, 1)
    assert (x.permute(2, 0, 1) * 2).stride() == (1, 12, 4)
    assert (x.permute(2, 0, 1) + torch.ones(4, 2, 3)).stride() == (1, 12, 4)
    assert x.permute(2, 0, 1).clone().stride() == (1, 12, 4)
    assert x.permute(2, 0, 1).contiguous().stride() == (6, 3, 1)


def test_a_long_series_of_writes_to_one_buffer_differentiates():
    a = leaf([0.1, 0.2, 0.3])
    b = torch.zeros(30)
    for step in range(30):
        b[step] = a[step % 3] * step if step < 3 else b[step - 3] + a[step % 3]
    b.sum().backward()
    assert_close(a.grad, [45.0, 55.0, 65.0], rtol=1e-6)


# What random programs found


@pytest.mark.parametrize("index", [slice(None), slice(1, None), (..., 1), (..., slice(None, None, 2))])
def test_a_number_is_not_assigned_to_elements_that_are_named_twice(index):
    x = torch.zeros(2, 4).expand(3, 2, 4)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        x[index] = 1
    x[0] = 1
    x.fill_(2)
    assert x.sum() == 48


def test_a_tensor_copied_onto_itself_counts_as_written():
    x = torch.ones(3).expand(2, 3)
    x.copy_(x)
    y = leaf([1.0, 2.0]).exp()
    y.copy_(y)
    assert x._version == y._version == 1
    assert y.grad_fn.name() == "torch::autograd::CopyBackwards"


def test_a_view_through_a_view_that_was_made_a_leaf_is_not_written():
    whole = torch.ones(3, 3)
    part = whole[1:]
    part.requires_grad_()
    for view in (part, part.t()):
        with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used"):
            view.add_(1)


def test_a_view_that_may_not_be_used_says_what_was_written():
    y = leaf([1.0, 2.0]).sin()
    with torch.no_grad():
        view = y[:1]
    y.add_(1)
    message = "in no_grad mode and its base or another view of its base has been modified inplace"
    with pytest.raises(RuntimeError, match=message):
        view.grad_fn  # noqa: B018
    assert view.requires_grad_() is view


def test_a_saved_alias_by_data_knows_its_own_writes():
    alias = leaf([1.0, 2.0]).data
    alias.mul_(leaf([1.0, 1.0]))
    y = torch.maximum(alias, alias)
    alias[::2] = 1.5
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("value", [None, "text", object(), {}])
def test_what_is_no_number_is_not_assigned(value):
    with pytest.raises(TypeError, match=f"can't assign a {type(value).__name__} to a torch.FloatTensor"):
        torch.zeros(3)[0] = value


def test_what_an_in_place_operation_saved_keeps_its_graph():
    a, b = leaf([0.5, 1.5]), leaf([2.0, 3.0])
    y = a.neg()
    y.mul_(b)
    (g,) = torch.autograd.grad(y.sum(), b, create_graph=True)
    (second,) = torch.autograd.grad(g.sum(), a)
    assert_close(second, [-1.0, -1.0])
    y = a * a
    y.sin_()
    (g,) = torch.autograd.grad(y.sum(), a, create_graph=True)
    (second,) = torch.autograd.grad(g.sum(), a)
    square = a.detach() * a.detach()
    assert_close(second, 2 * square.cos() - 4 * square * square.sin())


@pytest.mark.parametrize("sizes", [(-4,), (2, -4)])
def test_as_strided_refuses_negative_sizes(sizes):
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed with sizes="):
        torch.arange(4.0).as_strided(sizes, (1,) * len(sizes))
