"""backward() and autograd.grad: roots, gradients given and returned, accumulation, every option."""

import pytest

from tests.subject import assert_close, assert_same, leaf, run_alone, torch

grad = torch.autograd.grad
NO_GRAPH = "element {} of tensors does not require grad and does not have a grad_fn"
SECOND_TIME = "Trying to backward through the graph a second time"
UNUSED = r"The differentiated Tensor at index {} appears to not have been used in the graph\."
DOES_NOT_REQUIRE = "One of the differentiated Tensors does not require grad"


# Roots


def test_a_root_without_graph_raises():
    with pytest.raises(RuntimeError, match=NO_GRAPH.format(0)):
        torch.tensor(1.0).backward()
    with pytest.raises(RuntimeError, match=NO_GRAPH.format(0)):
        (leaf([1.0]).detach() * 2).sum().backward()


def test_the_error_names_the_position_of_the_root_in_the_list():
    y = leaf([1.0]).sum()
    with pytest.raises(RuntimeError, match=NO_GRAPH.format(1)):
        torch.autograd.backward([y, torch.tensor(1.0)])


def test_a_leaf_is_a_root():
    a = leaf(2.0)
    a.backward()
    assert_same(a.grad, 1.0)
    a.backward(torch.tensor(3.0))
    assert_same(a.grad, 4.0)


def test_a_root_with_several_elements_needs_a_gradient():
    with pytest.raises(RuntimeError, match="^grad can be implicitly created only for scalar outputs$"):
        (leaf([1.0, 2.0]) * 2).backward()


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 1, 1)])
def test_a_root_of_one_element_needs_none_whatever_its_shape(shape):
    a = leaf(3.0)
    (a * a).reshape(shape).backward()
    assert_same(a.grad, 6.0)


def test_a_complex_root_needs_a_gradient():
    z = leaf(1 + 2j)
    with pytest.raises(
        RuntimeError,
        match="grad can be implicitly created only for real scalar outputs "
        r"but got torch\.complex64",
    ):
        (z * z).backward()
    (z * z).backward(torch.tensor(1 + 0j))
    assert_same(z.grad, 2 - 4j)


def test_several_roots_add_up():
    a = leaf([1.0, 2.0])
    torch.autograd.backward([(a * 2).sum(), (a * a).sum()])
    assert_same(a.grad, [4.0, 6.0])


def test_one_root_may_be_given_several_times():
    a = leaf([1.0, 2.0])
    y = (a * 2).sum()
    torch.autograd.backward([y, y])
    assert_same(a.grad, [4.0, 4.0])


# The gradient given


@pytest.mark.parametrize(("root_shape", "gradient_shape"), [((2,), (3,)), ((), (1,)), ((1,), ()), ((2, 1), (2,))])
def test_the_gradient_given_must_have_the_shape_of_the_root(root_shape, gradient_shape):
    y = torch.ones(root_shape, requires_grad=True) * 2
    with pytest.raises(RuntimeError) as caught:
        y.backward(torch.ones(gradient_shape))
    expected = (
        f"Mismatch in shape: grad_output[0] has a shape of {torch.Size(gradient_shape)} "
        f"and output[0] has a shape of {torch.Size(root_shape)}."
    )
    assert expected in str(caught.value)


@pytest.mark.parametrize("dtype", ["float64", "int64", "float16", "bool"])
def test_a_real_gradient_of_another_dtype_is_cast(dtype):
    a = leaf([1.0, 2.0])
    (a * 2).backward(torch.tensor([1, 1], dtype=getattr(torch, dtype)))
    assert a.grad.dtype == torch.float32
    assert_same(a.grad, [2.0, 2.0])


def test_a_complex_gradient_of_a_real_root_raises():
    with pytest.raises(
        RuntimeError,
        match="For complex Tensors, both grad_output and output are required to have the same",
    ):
        (leaf([1.0, 2.0]) * 2).backward(torch.tensor([1j, 1j]))


def test_gradients_that_are_not_tensors_raise():
    y = leaf([1.0, 2.0]) * 2
    with pytest.raises(TypeError, match="gradients can be either Tensors or None, but got float"):
        y.backward([1.0, 1.0][:1])
    with pytest.raises(TypeError, match="'float' object is not iterable"):
        torch.autograd.backward([y], 1.0)


def test_none_stands_for_the_implicit_gradient():
    a = leaf([1.0, 2.0])
    torch.autograd.backward([(a * 2).sum(), a * a], [None, torch.tensor([1.0, 10.0])])
    assert_same(a.grad, [4.0, 42.0])


@pytest.mark.ours_differs("PyTorch ignores the extra gradients silently")
def test_more_gradients_than_roots_raise():
    a = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError):
        torch.autograd.backward([a.sum()], [torch.tensor(1.0), torch.tensor(1.0)])
    assert a.grad is None


# Running a graph twice


def test_a_second_backward_through_saved_values_raises():
    y = (leaf([1.0, 2.0]).exp()).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=SECOND_TIME) as caught:
        y.backward()
    assert "Specify retain_graph=True" in str(caught.value)
    assert "after they have already been freed" in str(caught.value)


def test_saved_attributes_are_gone_after_backward():
    y = leaf([1.0, 2.0]).exp()
    assert_same(y.grad_fn._saved_result, y)
    y.sum().backward()
    with pytest.raises(RuntimeError, match=SECOND_TIME):
        y.grad_fn._saved_result  # Reading it is what raises.


def test_a_graph_that_saves_nothing_runs_twice():
    a = leaf([1.0, 2.0])
    y = (a + 1).sum()
    y.backward()
    y.backward()
    assert_same(a.grad, [2.0, 2.0])


def test_retain_graph_lets_a_graph_run_again():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert_same(a.grad, [4.0, 8.0])
    with pytest.raises(RuntimeError, match=SECOND_TIME):
        y.backward()


def test_retain_graph_defaults_to_create_graph():
    a = leaf([1.0, 2.0])
    y = (a * a * a).sum()
    (first,) = grad(y, a, create_graph=True)
    (again,) = grad(y, a)
    assert first.requires_grad and not again.requires_grad
    assert_same(again, [3.0, 12.0])
    with pytest.raises(RuntimeError, match=SECOND_TIME):
        grad(y, a)


def test_create_graph_without_retain_graph_frees_the_graph():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    grad(y, a, create_graph=True, retain_graph=False)
    with pytest.raises(RuntimeError, match=SECOND_TIME):
        grad(y, a)


# Inputs of autograd.grad


def test_an_unused_input_raises_and_names_its_index():
    a, b = leaf([1.0]), leaf([2.0])
    y = (a * 2).sum()
    with pytest.raises(RuntimeError, match=UNUSED.format(1)) as caught:
        grad(y, [a, b], retain_graph=True)
    assert "Set allow_unused=True if this is the desired behavior." in str(caught.value)
    assert a.grad is None and b.grad is None


def test_allow_unused_gives_none_and_materialize_grads_gives_zeros():
    a, b = leaf([1.0]), leaf([2.0, 3.0])
    y = (a * 2).sum()
    ga, gb = grad(y, [a, b], retain_graph=True, allow_unused=True)
    assert_same(ga, [2.0])
    assert gb is None
    ga, gb = grad(y, [a, b], retain_graph=True, materialize_grads=True)
    assert_same(ga, [2.0])
    assert_same(gb, [0.0, 0.0])


def test_materialize_grads_contradicts_allow_unused_false():
    a = leaf([1.0])
    with pytest.raises(
        ValueError,
        match="Expected allow_unused to be True or not passed when materialize_grads=True, "
        r"but got: allow_unused=False\.",
    ):
        grad((a * 2).sum(), a, allow_unused=False, materialize_grads=True)


def test_an_edge_can_be_an_input_but_not_be_materialized():
    a = leaf([1.0, 2.0])
    y = a * 3
    edge = torch.autograd.graph.get_gradient_edge(y)
    assert_same(grad((y * y).sum(), edge, retain_graph=True)[0], [6.0, 12.0])
    other = torch.autograd.graph.get_gradient_edge(a * 2)
    with pytest.raises(RuntimeError):
        grad((y * y).sum(), [edge, other], materialize_grads=True)


def test_an_input_that_does_not_require_grad_raises_even_with_allow_unused():
    a, c = leaf([1.0]), torch.tensor([1.0])
    y = (a * c).sum()
    for options in ({}, {"allow_unused": True}):
        with pytest.raises(RuntimeError, match=DOES_NOT_REQUIRE):
            grad(y, [a, c], **options)


def test_empty_inputs_raise():
    a = leaf([1.0])
    with pytest.raises(RuntimeError, match=r"`inputs` argument to `grad\(\)` cannot be empty\."):
        grad(a.sum(), [])
    with pytest.raises(RuntimeError, match=r"`inputs` argument to `backward\(\)` cannot be empty\."):
        a.sum().backward(inputs=[])


def test_inputs_may_be_a_dict_and_a_dict_is_returned():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    result = grad((a * b).sum(), {"first": a, "second": b})
    assert isinstance(result, dict) and list(result) == ["first", "second"]
    assert_same(result["first"], [3.0, 4.0])
    assert_same(result["second"], [1.0, 2.0])


def test_inputs_may_be_a_tensor_or_a_tuple_and_a_tuple_is_returned():
    a = leaf([1.0, 2.0])
    for inputs in (a, (a,), [a]):
        result = grad((a * a).sum(), inputs)
        assert isinstance(result, tuple)
        assert_same(result, [[2.0, 4.0]])
    assert a.grad is None


def test_grad_outputs_weigh_the_outputs():
    a = leaf([1.0, 2.0])
    result = grad([a * 2, (a * a).sum()], a, grad_outputs=[torch.tensor([1.0, 10.0]), None])
    assert_same(result, [[4.0, 24.0]])


def test_the_root_itself_can_be_the_input():
    y = (leaf([1.0, 2.0]) * 2).sum()
    assert_same(grad(y, y), [1.0])


def test_grad_stops_at_an_intermediate_input():
    a = leaf([1.0, 2.0])
    y = a * 2
    assert_same(grad((y * y).sum(), [y, a]), [[4.0, 8.0], [8.0, 16.0]])
    assert a.grad is None


def test_backward_with_inputs_fills_those_only():
    a, b = leaf([1.0]), leaf([2.0])
    y = a * b
    (y * 3).sum().backward(inputs=[y], retain_graph=True)
    assert_same(y.grad, [3.0])
    assert a.grad is None and b.grad is None


def test_backward_with_an_unused_input_leaves_it_alone():
    a, b = leaf([1.0]), leaf([2.0])
    (a * 3).sum().backward(inputs=[a, b])
    assert_same(a.grad, [3.0])
    assert b.grad is None


def test_backward_with_one_leaf_as_input_leaves_the_other_alone():
    a, b = leaf([1.0]), leaf([2.0])
    (a * b).sum().backward(inputs=a)
    assert_same(a.grad, [2.0])
    assert b.grad is None


# Memory of the gradients


def test_grads_of_two_leaves_share_no_memory_with_each_other_or_the_gradient_given():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    given = torch.ones(2)
    (a + b).backward(given)
    a.grad.mul_(5)
    assert_same(b.grad, [1.0, 1.0])
    assert_same(given, [1.0, 1.0])


@pytest.mark.ours_differs("PyTorch returns one tensor twice here")
def test_returned_gradients_share_no_memory_that_user_code_can_write():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    given = torch.ones(2)
    ga, gb = grad(a + b, (a, b), grad_outputs=given)
    ga.mul_(5)
    assert_same(gb, [1.0, 1.0])
    assert_same(given, [1.0, 1.0])
    ga, gb = grad((a + b).sum(), (a, b))
    ga[0] = 7
    assert_same(ga, [7.0, 1.0])
    assert_same(gb, [1.0, 1.0])


def test_the_first_gradient_takes_the_layout_of_a_dense_leaf():
    base = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    transposed = base.t().detach().requires_grad_()
    assert transposed.stride() == (1, 3)
    (transposed * 2).sum().backward()
    assert transposed.grad.stride() == (1, 3)
    (transposed.t() * base).sum().backward()
    assert transposed.grad.stride() == (1, 3)
    assert_same(transposed.grad, [[3.0, 6.0], [4.0, 7.0], [5.0, 8.0]])


def test_the_gradient_of_an_expanded_leaf_is_contiguous():
    expanded = torch.tensor([1.0, 2.0]).expand(2, 2).detach().requires_grad_()
    assert expanded.stride() == (0, 1)
    (expanded * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert expanded.grad.stride() == (2, 1)
    assert_same(expanded.grad, [[1.0, 2.0], [3.0, 4.0]])


def test_later_gradients_are_added_in_place():
    a = leaf([1.0, 2.0])
    (a * 2).sum().backward()
    first = a.grad
    (a * 3).sum().backward()
    assert a.grad is first
    assert_same(first, [5.0, 5.0])


@pytest.mark.usefixtures("quietly")
def test_with_create_graph_the_sum_is_a_new_tensor():
    a = leaf([1.0, 2.0])
    (a * a).sum().backward(create_graph=True)
    first = a.grad
    (a * a).sum().backward(create_graph=True)
    assert a.grad is not first
    assert_same(first, [2.0, 4.0])
    assert_same(a.grad, [4.0, 8.0])
    assert a.grad.requires_grad
    a.grad = None


# Dtypes and broadcasting


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_leaf_used_through_a_cast_gets_a_gradient_of_its_own_dtype(dtype):
    a = leaf([1.0, 2.0], dtype=getattr(torch, dtype))
    (a.float() * 3).sum().backward()
    assert a.grad.dtype == a.dtype
    assert_same(a.grad, [3.0, 3.0])


def test_a_promoted_scalar_tensor_gets_a_gradient_of_its_own_dtype():
    a, v = leaf(2.0), leaf([1.0, 2.0], dtype=torch.float64)
    y = a * v
    assert y.dtype == torch.float64
    y.sum().backward()
    assert a.grad.dtype == torch.float32 and v.grad.dtype == torch.float64
    assert_same(a.grad, 3.0)
    assert_same(v.grad, [2.0, 2.0])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), 6.0), ((1,), [6.0]), ((3,), [2.0, 2.0, 2.0]), ((2, 1), [[3.0], [3.0]])],
)
def test_the_gradient_of_a_broadcast_input_is_summed(shape, expected):
    a = torch.ones(shape, requires_grad=True)
    (a * torch.ones(2, 3)).sum().backward()
    assert a.grad.shape == a.shape
    assert_same(a.grad, expected)


# Higher order


def test_derivatives_of_every_order():
    x = leaf(2.0)
    y = x * x * x * x
    for expected in (32.0, 48.0, 48.0, 24.0):
        (y,) = grad(y, x, create_graph=True)
        assert_same(y, expected)


def test_the_gradient_of_a_linear_function_has_no_graph():
    x = leaf([1.0, 2.0])
    (g,) = grad((x * 3).sum(), x, create_graph=True)
    assert not g.requires_grad
    with pytest.raises(RuntimeError, match=NO_GRAPH.format(0)):
        grad(g.sum(), x, allow_unused=True)


def test_backward_with_create_graph_warns_of_the_cycle():
    output = run_alone("""
        import warnings
        x = torch.tensor([2.0], requires_grad=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            (x * x).sum().backward(create_graph=True)
        print(caught[0].category.__name__, caught[0].message)
        print(torch.autograd.grad(x.grad.sum(), x)[0].tolist())
        """)
    assert output.startswith(
        "UserWarning Using backward() with create_graph=True will create a reference cycle "
        "between the parameter and its gradient which can cause a memory leak."
    )
    assert output.endswith("[2.0]\n")


# Modes and exceptions during backward


def test_backward_works_inside_no_grad():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    with torch.no_grad():
        y.backward()
    assert_same(a.grad, [2.0, 4.0])


def test_create_graph_records_inside_no_grad():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    with torch.no_grad():
        (g,) = grad(y, a, create_graph=True)
        assert not torch.is_grad_enabled()
    assert g.requires_grad


@pytest.mark.parametrize("error", [ValueError, KeyError, ZeroDivisionError])
def test_an_exception_in_a_hook_keeps_its_type_and_message(error):
    def fail(g):
        raise error("from the hook")

    a = leaf([1.0])
    y = a * 2
    y.register_hook(fail)
    with pytest.raises(error, match="from the hook"):
        y.sum().backward()
    assert a.grad is None


def test_gradients_finished_before_an_exception_stay():
    def fail(g):
        raise ValueError("stop")

    a, b = leaf([1.0]), leaf([2.0])
    early = a * 1
    early.register_hook(fail)
    late = b * 2
    with pytest.raises(ValueError, match="stop"):
        (early + late).sum().backward()
    assert_same(b.grad, [2.0])
    assert a.grad is None


def test_a_backward_inside_a_hook_is_complete_when_it_returns():
    inner = leaf([3.0])
    seen = []

    def hook(g):
        with torch.enable_grad():
            (inner * inner).sum().backward()
        seen.append(inner.grad.tolist())

    a = leaf([1.0])
    y = a * 2
    y.register_hook(hook)
    y.sum().backward()
    assert seen == [[6.0]]
    assert_same(a.grad, [2.0])


def test_a_gradient_that_has_a_graph_is_added_to_in_place():
    a = leaf([1.0, 2.0])
    (a * a).sum().backward()
    kept = a.grad
    kept.mul_(leaf([1.0, 1.0]))
    (a * 3).sum().backward()
    assert a.grad is kept and kept.grad_fn.name() == "MulBackward0"
    assert_close(kept, [5.0, 7.0])
