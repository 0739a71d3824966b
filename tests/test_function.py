"""Custom autograd.Function: forward, backward, context, and each of its mistakes."""

import pytest

from tests.subject import assert_same, leaf, torch

Function = torch.autograd.Function
once_differentiable = torch.autograd.function.once_differentiable
grad = torch.autograd.grad


def function_with(backward, forward=lambda ctx, x: x * 2, name="A"):
    """A Function class of the given name, made of the two methods."""
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type(name, (Function,), methods)


class Square(Function):
    """x * x with its derivative written out."""

    @staticmethod
    def forward(ctx, x):
        """x * x."""
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        """2 g x."""
        (x,) = ctx.saved_tensors
        return 2 * g * x


# Ordinary use


def test_a_function_gives_its_own_derivative_and_name():
    a = leaf([1.0, 2.0])
    y = Square.apply(a)
    assert y.grad_fn.name() == "SquareBackward" and not y.is_leaf
    assert repr(y) == "tensor([1., 4.], grad_fn=<SquareBackward>)"
    y.sum().backward()
    assert_same(a.grad, [2.0, 4.0])


def test_a_function_differentiates_to_every_order():
    a = leaf([3.0])
    (first,) = grad(Square.apply(Square.apply(a)), a, torch.ones(1), create_graph=True)
    (second,) = grad(first, a, create_graph=True)
    (third,) = grad(second, a)
    assert_same([first, second, third], [[108.0], [108.0], [72.0]])


def test_setup_context_separates_forward_from_saving():
    class Scale(Function):
        @staticmethod
        def forward(x, factor):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, ctx.factor = inputs
            assert not output.requires_grad or output.grad_fn is not None

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    a = leaf([1.0, 2.0])
    Scale.apply(a, 3.0).sum().backward()
    assert_same(a.grad, [3.0, 3.0])


def test_vjp_is_another_name_for_backward():
    class Triple(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 3

        @staticmethod
        def vjp(ctx, g):
            return g * 3

    a = leaf([1.0])
    Triple.apply(a).sum().backward()
    assert_same(a.grad, [3.0])


def test_needs_input_grad_tells_which_gradients_are_wanted():
    seen = []

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g, None, None

    f = function_with(backward, lambda ctx, x, y, n: x + y)
    f.apply(leaf([1.0]), torch.ones(1), 5).sum().backward()
    assert seen == [(True, False, False)]


def test_without_a_grad_input_there_is_no_graph():
    y = Square.apply(torch.ones(2))
    assert not y.requires_grad and y.grad_fn is None
    with torch.no_grad():
        assert not Square.apply(leaf([1.0])).requires_grad


def test_forward_runs_without_recording():
    modes = []

    def forward(ctx, x):
        modes.append(torch.is_grad_enabled())
        y = x * 2
        modes.append(y.requires_grad)
        return y

    assert function_with(lambda ctx, g: g * 2, forward).apply(leaf([1.0])).requires_grad
    assert modes == [False, False]


def test_backward_records_only_for_create_graph():
    modes = []

    def backward(ctx, g):
        modes.append(torch.is_grad_enabled())
        return g * 2

    y = function_with(backward).apply(leaf([1.0])).sum()
    y.backward(retain_graph=True)
    grad(y, y.grad_fn.next_functions[0][0].next_functions[0][0].variable, create_graph=True)
    assert modes == [False, True]


# The gradients that backward returns


def test_too_many_gradients_raise():
    with pytest.raises(
        RuntimeError,
        match=r"function ABackward returned an incorrect number of gradients "
        r"\(expected 1, got 2\)",
    ):
        function_with(lambda ctx, g: (g, g)).apply(leaf([1.0])).backward()


def test_too_few_gradients_raise():
    f = function_with(lambda ctx, g: g, lambda ctx, x, y: x + y)
    with pytest.raises(
        RuntimeError,
        match=r"function ABackward returned an incorrect number of gradients "
        r"\(expected 2, got 1\)",
    ):
        f.apply(leaf([1.0]), leaf([1.0])).backward()


def test_trailing_nones_are_accepted():
    a = leaf([1.0])
    function_with(lambda ctx, g: (g * 2, None, None)).apply(a).backward()
    assert_same(a.grad, [2.0])


def test_a_gradient_of_another_shape_raises():
    with pytest.raises(
        RuntimeError,
        match=r"Function ABackward returned an invalid gradient at index 0 - got \[3\] "
        r"but expected shape compatible with \[2\]",
    ):
        function_with(lambda ctx, g: torch.ones(3)).apply(leaf([1.0, 2.0])).sum().backward()


def test_a_gradient_that_broadcasts_is_summed_and_cast():
    a = leaf([1.0, 2.0])
    f = function_with(lambda ctx, g: torch.ones(4, 2, dtype=torch.float64))
    f.apply(a).sum().backward()
    assert a.grad.dtype == torch.float32
    assert_same(a.grad, [4.0, 4.0])


def test_a_gradient_that_is_no_tensor_raises():
    with pytest.raises(RuntimeError, match=r"expected Variable or None \(got float\)"):
        function_with(lambda ctx, g: 1.0).apply(leaf([1.0])).backward()


def test_no_gradient_at_all_leaves_grad_none():
    a = leaf([1.0])
    function_with(lambda ctx, g: None).apply(a).backward()
    assert a.grad is None


# Inputs returned, written, viewed


def test_returning_an_input_gives_a_view_of_it():
    x = leaf([1.0, 2.0])
    y = function_with(lambda ctx, g: g * 3, lambda ctx, x: x).apply(x)
    assert y is not x and y._base is x and y.grad_fn.name() == "ABackward"
    y.sum().backward()
    assert_same(x.grad, [3.0, 3.0])


def test_a_dirty_input_is_returned_as_itself():
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    a = leaf([1.0, 2.0])
    b = a * 1
    y = function_with(lambda ctx, g: g * 2, forward).apply(b)
    assert y is b and b.grad_fn.name() == "ABackward"
    (y * y).sum().backward()
    assert_same(a.grad, [8.0, 16.0])


def test_a_dirty_input_must_be_returned():
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.add_(1)
        return x * 1

    with pytest.raises(
        RuntimeError,
        match="Some elements marked as dirty during the forward method were not returned as "
        r"output\. The inputs that are modified inplace must all be outputs of the Function\.",
    ):
        function_with(lambda ctx, g: g, forward).apply(leaf([1.0]) * 1)


def test_marking_something_else_dirty_warns():
    def forward(ctx, x):
        y = x * 2
        ctx.mark_dirty(y)
        return y

    with pytest.warns(UserWarning, match=r"ctx\.mark_dirty\(\) received a tensor that was not an input\."):
        function_with(lambda ctx, g: g, forward).apply(leaf([1.0]))


@pytest.mark.parametrize("forward", [lambda ctx, x: x, lambda ctx, x: x.view(-1)])
def test_a_view_returned_by_a_function_cannot_be_written(forward):
    y = function_with(lambda ctx, g: g, forward).apply(leaf([1.0, 2.0]) * 1)
    with pytest.raises(RuntimeError) as caught:
        y.add_(1)
    assert str(caught.value).startswith(
        "Output 0 of A is a view and is being modified inplace. This view was created inside a "
        "custom Function (or because an input was returned as-is) and the autograd logic to "
        "handle view+inplace would override the custom backward"
    )


def test_a_fresh_output_may_be_written():
    a = leaf([1.0, 2.0])
    y = function_with(lambda ctx, g: g * 2).apply(a)
    y.mul_(5)
    y.sum().backward()
    assert_same(a.grad, [10.0, 10.0])


# The context


def test_a_missing_backward_raises_when_it_is_needed():
    class Forward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    y = Forward.apply(leaf([1.0]))
    with pytest.raises(
        NotImplementedError,
        match="You must implement either the backward or vjp method for your custom "
        r"autograd\.Function to use it with backward mode AD\.",
    ):
        y.backward()


def test_backward_and_vjp_exclude_each_other():
    both = function_with(lambda ctx, g: g)
    both.vjp = staticmethod(lambda ctx, g: g)
    with pytest.raises(
        RuntimeError,
        match="Implementing both 'backward' and 'vjp' for a custom Function is not allowed",
    ):
        both.apply(leaf([1.0])).backward()


@pytest.mark.filterwarnings("ignore:.*should not be instantiated")
def test_calling_an_instance_raises():
    with pytest.raises(
        RuntimeError,
        match="Legacy autograd function with non-static forward method is deprecated",
    ):
        Square()(leaf([1.0]))


def test_only_tensors_and_none_can_be_saved():
    def forward(ctx, x):
        ctx.save_for_backward(3)
        return x * 1

    with pytest.raises(
        TypeError, match="save_for_backward can only save variables, but argument 0 is of type int"
    ):
        function_with(lambda ctx, g: g, forward).apply(leaf([1.0]))

    def forward_with_none(ctx, x):
        ctx.save_for_backward(None, x)
        return x * x

    def backward(ctx, g):
        nothing, x = ctx.saved_tensors
        assert nothing is None
        return 2 * x * g

    a = leaf([3.0])
    function_with(backward, forward_with_none).apply(a).backward()
    assert_same(a.grad, [6.0])


def test_a_saved_input_is_the_same_object():
    seen = []

    def backward(ctx, g):
        seen.append(ctx.saved_tensors[0])
        return g

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 1

    a = leaf([3.0])
    function_with(backward, forward).apply(a).backward()
    assert seen[0] is a


def test_saved_tensors_are_freed_by_backward():
    y = Square.apply(leaf([3.0]))
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.grad_fn.saved_tensors  # Reading it is what raises.


def test_a_write_to_a_saved_input_is_detected():
    b = leaf([3.0]) * 1
    y = Square.apply(b)
    b.add_(1)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.backward()


def test_attributes_of_the_context_last():
    def forward(ctx, x, factor):
        ctx.factor, ctx.note = factor, {"shape": x.shape}
        return x * factor

    def backward(ctx, g):
        assert ctx.note["shape"] == (2,)
        return g * ctx.factor, None

    a = leaf([1.0, 2.0])
    y = function_with(backward, forward).apply(a, 4)
    assert y.grad_fn.factor == 4
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert_same(a.grad, [8.0, 8.0])


# Several outputs


def test_outputs_that_are_no_tensors_have_no_gradient():
    seen = []

    def forward(ctx, x):
        return x * 1, 5, "text", None

    def backward(ctx, *gs):
        seen.append([g if g is None else g.tolist() for g in gs])
        return gs[0]

    y, *rest = function_with(backward, forward).apply(leaf([1.0]))
    assert rest == [5, "text", None]
    y.backward()
    assert seen == [[[1.0], None, None, None]]


@pytest.mark.parametrize(("materialize", "expected"), [(True, [0.0]), (False, None)])
def test_the_gradient_of_an_unused_output(materialize, expected):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(materialize)
        return x * 1, x * 2

    def backward(ctx, g, unused):
        seen.append(unused if unused is None else unused.tolist())
        return g

    function_with(backward, forward).apply(leaf([1.0]))[0].backward()
    assert seen == [expected]


def test_a_non_differentiable_output_has_no_graph_and_a_zero_gradient():
    seen = []

    def forward(ctx, x):
        y, z = x * 1, x * 2
        ctx.mark_non_differentiable(z)
        return y, z

    def backward(ctx, g, zero):
        seen.append(zero.tolist())
        return g

    y, z = function_with(backward, forward).apply(leaf([1.0]))
    assert y.requires_grad and not z.requires_grad and z.grad_fn is None
    y.backward()
    assert seen == [[0.0]]


def test_an_integer_output_has_no_graph():
    y, index = function_with(lambda ctx, g, _: g, lambda ctx, x: (x * 1, x.argmax(0))).apply(leaf([1.0, 3.0]))
    assert y.requires_grad and not index.requires_grad
    assert_same(index, 1)


# once_differentiable


def once_square():
    """Square with a backward that may be run, but not differentiated."""
    return function_with(once_differentiable(Square.backward), Square.forward)


def test_once_differentiable_gives_a_first_derivative():
    x = leaf([3.0])
    (g,) = grad(once_square().apply(x), x, create_graph=True)
    assert_same(g, [6.0])
    assert not g.requires_grad
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad"):
        g.backward()


def test_once_differentiable_refuses_a_second_derivative():
    x, given = leaf([3.0]), leaf([1.0])
    (g,) = grad(once_square().apply(x), x, given, create_graph=True)
    assert g.requires_grad
    with pytest.raises(
        RuntimeError,
        match="trying to differentiate twice a function that was marked with @once_differentiable",
    ):
        g.backward()


# How forward is called


def test_keyword_arguments_reach_forward_and_count_as_inputs():
    seen = []

    def forward(ctx, x, n=1, m=1):
        return x * n * m

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g, None, None

    a = leaf([1.0])
    y = function_with(backward, forward).apply(a, m=3, n=2)
    assert_same(y, [6.0])
    y.backward()
    assert seen == [(True, False, False)]


def test_setup_context_sees_defaults_and_keywords():
    seen = []

    class Scale(Function):
        @staticmethod
        def forward(x, factor=2.0):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            seen.append(inputs[1:])
            _, ctx.factor = inputs

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    a = leaf([1.0])
    Scale.apply(a).backward()
    Scale.apply(a, factor=5.0).backward()
    assert seen == [(2.0,), (5.0,)]
    assert_same(a.grad, [7.0])


def test_a_gradient_for_an_argument_that_is_no_tensor_raises():
    f = function_with(lambda ctx, g: (g, 3.0), lambda ctx, x, n: x * n)
    with pytest.raises(RuntimeError, match="returned a gradient different than None at position 2"):
        f.apply(leaf([1.0]), 2.0).backward()


def test_a_written_view_carries_the_function_into_its_base():
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(3)

    a = leaf([1.0, 2.0])
    b = a * 1
    view = b[:1]
    assert function_with(lambda ctx, g: g * 3, forward).apply(view) is view
    assert b.grad_fn.name() == "torch::autograd::CopySlices"
    b.sum().backward()
    assert_same(a.grad, [3.0, 1.0])


def test_a_written_view_must_be_the_only_output():
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(3), x * 2

    view = (leaf([1.0, 2.0]) * 1)[:1]
    with pytest.raises(RuntimeError, match="your Function cannot return more than one Tensor"):
        function_with(lambda ctx, g, h: g, forward).apply(view)


def test_the_context_is_the_node():
    kept = []

    def forward(ctx, x):
        kept.append(ctx)
        return x * 1

    y = function_with(lambda ctx, g: g, forward).apply(leaf([1.0]))
    assert y.grad_fn is kept[0]
    assert isinstance(y.grad_fn, torch.autograd.function.FunctionCtx)
    assert y.grad_fn.next_functions[0][0].name() == "torch::autograd::AccumulateGrad"


@pytest.mark.ours_differs("in PyTorch the sibling's gradient changes, or the write is refused")
def test_a_write_in_backward_does_not_reach_the_sibling_branch():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = function_with(lambda ctx, g: g.mul_(5)).apply(a)
    (y + b).sum().backward()
    assert_same([a.grad, b.grad], [[5.0, 5.0], [1.0, 1.0]])
