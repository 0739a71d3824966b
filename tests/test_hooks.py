"""Tensor hooks, node hooks and accumulation hooks: order, errors, life, privacy of buffers."""

import copy
import pickle
import weakref

import pytest

from tests.subject import assert_same, leaf, torch

grad = torch.autograd.grad


def record(log, name):
    """A hook of any kind that notes its name and changes nothing."""
    return lambda *_: log.append(name)


def accumulator(y):
    """The node behind y that adds to the leaf's `.grad`."""
    return y.grad_fn.next_functions[0][0]


# Order


def test_hooks_run_in_the_stated_order():
    log, a = [], leaf([1.0])
    y = a * 2
    y.register_hook(record(log, "tensor 1"))
    y.register_hook(record(log, "tensor 2"))
    y.grad_fn.register_hook(record(log, "node post"))
    y.grad_fn.register_prehook(record(log, "node pre"))
    a.register_post_accumulate_grad_hook(lambda p: log.append(p.grad.tolist()))
    a.register_hook(record(log, "leaf tensor"))
    accumulator(y).register_hook(record(log, "leaf post"))
    accumulator(y).register_prehook(record(log, "leaf pre"))
    y.sum().backward()
    assert log == [
        "tensor 1", "tensor 2", "node pre", "node post",
        "leaf tensor", "leaf pre", [2.0], "leaf post",
    ]  # fmt: skip


def test_autograd_grad_runs_no_node_hooks_of_its_inputs():
    log, a = [], leaf([1.0])
    y = a * 2
    a.register_hook(record(log, "leaf tensor"))
    a.register_post_accumulate_grad_hook(record(log, "accumulated"))
    accumulator(y).register_hook(record(log, "leaf post"))
    accumulator(y).register_prehook(record(log, "leaf pre"))
    y.register_hook(record(log, "tensor"))
    y.grad_fn.register_prehook(record(log, "node pre"))
    y.grad_fn.register_hook(record(log, "node post"))
    grad(y.sum(), a, retain_graph=True)
    assert log == ["tensor", "node pre", "node post", "leaf tensor"]
    log.clear()
    grad(y.sum(), y)
    assert log == ["tensor"]


def test_each_tensor_hook_sees_the_result_of_the_one_before():
    a, seen = leaf([1.0]), []
    y = a * 1
    for factor in (2, 3):
        y.register_hook(lambda g, f=factor: seen.append(g.tolist()) or g * f)
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.sum().backward()
    assert seen == [[1.0], [2.0], [6.0]]
    assert_same(a.grad, [6.0])


def test_autograd_grad_returns_what_the_hooks_of_the_input_return():
    a = leaf([1.0])
    a.register_hook(lambda g: g * 10)
    y = a * 2
    y.register_hook(lambda g: g * 3)
    assert_same(grad(y.sum(), a, retain_graph=True), [[60.0]])
    assert_same(grad(y.sum(), y), [[3.0]])


def test_node_hooks_can_replace_gradients():
    a, b = leaf([2.0]), leaf([3.0])
    y = a * b
    seen = []
    y.grad_fn.register_prehook(lambda gs: (gs[0] * 10,))

    def after(inputs, outputs):
        seen.append((inputs[0].tolist(), inputs[1].tolist(), outputs[0].tolist()))
        return (inputs[0] + 1, None)

    y.grad_fn.register_hook(after)
    y.sum().backward()
    assert seen == [([30.0], [20.0], [10.0])]
    assert_same(a.grad, [31.0])
    assert b.grad is None


def test_a_hook_on_a_leaf_runs_once_with_the_whole_gradient():
    a, seen = leaf([1.0]), []
    a.register_hook(lambda g: seen.append(g.tolist()))
    (a * 2 + a * 3).sum().backward()
    assert seen == [[5.0]]


def test_hooks_of_an_accumulator_go_with_the_graphs_that_use_it():
    log, a = [], leaf([1.0])
    y = a * 2
    accumulator(y).register_hook(record(log, "post"))
    accumulator(y).register_prehook(record(log, "pre"))
    watched = weakref.ref(accumulator(y))
    z = a * 3
    del y
    z.sum().backward()
    assert log == ["pre", "post"] and watched() is accumulator(z)
    del z
    assert watched() is None
    (a * 4).sum().backward()
    assert log == ["pre", "post"]
    assert_same(a.grad, [7.0])


def test_a_leaf_dies_with_its_last_user_however_often_its_accumulator_was_used():
    a = leaf([1.0])
    for _ in range(3):
        (a * 2).sum().backward()
    y = a * 2
    watched = weakref.ref(a)
    del a
    assert watched() is not None
    del y
    assert watched() is None


def test_an_accumulator_used_again_knows_what_its_leaf_has_become():
    a = leaf([1.0, 2.0])
    (a * 2).sum().backward()
    a.data, a.grad = torch.ones(3, dtype=torch.float64), None
    (a * 2).sum().backward()
    assert a.grad.dtype is torch.float64
    assert_same(a.grad, [2.0] * 3)


def test_post_accumulate_hooks_see_the_sum_in_grad():
    a, seen = leaf([1.0]), []
    a.register_post_accumulate_grad_hook(lambda p: seen.append((p is a, p.grad.tolist())))
    (a * 2).sum().backward()
    (a * 3).sum().backward()
    assert seen == [(True, [2.0]), (True, [5.0])]


def test_a_post_accumulate_hook_may_clear_the_gradient():
    a = leaf([1.0])

    def step(p):
        with torch.no_grad():
            p.sub_(p.grad)
        p.grad = None

    a.register_post_accumulate_grad_hook(step)
    (a * 2).sum().backward()
    assert a.grad is None
    assert_same(a, [-1.0])


# Errors


def test_a_hook_needs_a_tensor_that_requires_grad():
    with pytest.raises(
        RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"
    ):
        torch.ones(1).register_hook(lambda g: g)


def test_post_accumulate_hooks_belong_to_leaves():
    with pytest.raises(
        RuntimeError, match="post accumulate grad hooks cannot be registered on non-leaf tensors"
    ):
        (leaf([1.0]) * 1).register_post_accumulate_grad_hook(lambda p: None)


def test_post_accumulate_hooks_return_none():
    a = leaf([1.0])
    a.register_post_accumulate_grad_hook(lambda p: p.grad)
    with pytest.raises(RuntimeError, match=r"Tensor post accumulate grad hooks should return None\."):
        a.sum().backward()


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (lambda: torch.ones(3), RuntimeError, "hook '<lambda>' has changed the size of value"),
        (
            lambda: torch.ones(2, dtype=torch.float64),
            RuntimeError,
            r"hook '<lambda>' has changed the type of value "
            r"\(was torch\.FloatTensor got torch\.DoubleTensor\)",
        ),
        (lambda: 5, TypeError, "expected Variable, but hook returned 'int'"),
    ],
)
def test_a_tensor_hook_returns_a_gradient_of_the_same_kind(result, error, message):
    a = leaf([1.0, 2.0])
    y = a * 1
    y.register_hook(lambda g: result())
    with pytest.raises(error, match=message):
        y.sum().backward()
    assert a.grad is None


def test_a_node_hook_returns_as_many_gradients_as_it_got():
    y = leaf([1.0]) * leaf([2.0])
    y.grad_fn.register_hook(lambda inputs, outputs: (1, 2, 3, 4))
    with pytest.raises(
        RuntimeError,
        match=r"hook '<lambda>' has returned an incorrect number of values "
        r"\(got 4, but expected 2\)",
    ):
        y.sum().backward()


# Life of hooks


def test_a_hook_belongs_to_the_node_at_its_registration():
    a, seen = leaf([1.0]), []
    y = a * 1
    y.register_hook(lambda g: seen.append(("old", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: seen.append(("new", g.tolist())))
    y.sum().backward()
    assert seen == [("new", [1.0]), ("old", [3.0])]


def test_leaf_hooks_survive_the_flag_going_off_and_on():
    a = leaf([1.0])
    a.register_hook(lambda g: g * 7)
    a.requires_grad_(False)
    a.requires_grad_(True)
    a.sum().backward()
    assert_same(a.grad, [7.0])


def test_a_removed_hook_does_not_run_and_may_be_removed_again():
    a = leaf([1.0])
    handle = a.register_hook(lambda g: g * 7)
    handle.remove()
    handle.remove()
    a.sum().backward()
    assert_same(a.grad, [1.0])


def test_a_handle_is_a_context():
    a = leaf([1.0])
    with a.register_hook(lambda g: g * 7):
        a.sum().backward()
    a.sum().backward()
    assert_same(a.grad, [8.0])


def test_hooks_of_every_kind_can_be_removed():
    log, a = [], leaf([1.0])
    y = a * 2
    handles = [
        y.register_hook(record(log, "tensor")),
        y.grad_fn.register_hook(record(log, "post")),
        y.grad_fn.register_prehook(record(log, "pre")),
        a.register_post_accumulate_grad_hook(record(log, "accumulated")),
    ]
    y.sum().backward(retain_graph=True)
    assert log == ["tensor", "pre", "post", "accumulated"]
    for handle in handles:
        handle.remove()
    y.sum().backward()
    assert len(log) == 4


def test_a_hook_may_remove_itself_while_running():
    a, count = leaf([1.0]), []

    def once(g):
        count.append(1)
        handle.remove()

    handle = a.register_hook(once)
    a.sum().backward()
    a.sum().backward()
    assert len(count) == 1


def test_deepcopy_drops_hooks():
    a = leaf([1.0])
    a.register_hook(lambda g: g * 7)
    b = copy.deepcopy(a)
    b.sum().backward()
    assert_same(b.grad, [1.0])


def test_pickling_warns_and_drops_hooks():
    a = leaf([1.0])
    a.register_hook(lambda g: g * 7)
    with pytest.warns(UserWarning, match=r"backward hook .* on tensor will not be serialized"):
        data = pickle.dumps(a)
    b = pickle.loads(data)
    b.sum().backward()
    assert_same(b.grad, [1.0])


# Hooks over several tensors


def test_a_multi_grad_hook_runs_once_per_backward_with_none_for_the_unreached():
    a, b, c = leaf([1.0]), leaf([2.0]), leaf([3.0])
    seen = []
    handle = torch.autograd.graph.register_multi_grad_hook(
        (a, b, c), lambda gs: seen.append([g if g is None else g.tolist() for g in gs])
    )
    (a * b).sum().backward()
    (a * c).sum().backward()
    a.sum().backward()
    expected = [[[2.0], [1.0], None], [[3.0], None, [1.0]], [[1.0], None, None]]
    assert seen == expected
    handle.remove()
    a.sum().backward()
    assert seen == expected


def test_a_multi_grad_hook_in_any_mode_gets_the_first_gradient():
    a, b, seen = leaf([1.0]), leaf([2.0]), []
    torch.autograd.graph.register_multi_grad_hook((a, b), lambda g: seen.append(g.tolist()), mode="any")
    (a * b).sum().backward()  # Which of the two leaves is first is not promised.
    a.sum().backward()
    assert len(seen) == 2 and seen[0] in ([2.0], [1.0]) and seen[1] == [1.0]


# Privacy


@pytest.mark.ours_differs("in PyTorch the sibling's gradient changes too")
def test_a_write_in_a_hook_does_not_reach_the_sibling_branch():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    left, right = a * 1, b * 1
    left.register_hook(lambda g: g.mul_(0))
    (left + right).sum().backward()
    assert_same(b.grad, [1.0, 1.0])
    left, right = a * 1, b * 1
    right.register_hook(lambda g: g.mul_(0))
    a.grad = b.grad = None
    (left + right).sum().backward()
    assert_same(a.grad, [1.0, 1.0])


@pytest.mark.ours_differs("in PyTorch the caller's gradient changes")
def test_a_write_in_a_hook_does_not_reach_the_gradient_of_the_caller():
    a = leaf([1.0, 2.0])
    y = a + 0
    y.register_hook(lambda g: g.fill_(5))
    given = torch.ones(2)
    y.backward(given)
    assert_same(given, [1.0, 1.0])


@pytest.mark.ours_differs("in PyTorch the gradient kept by the first hook changes")
def test_a_gradient_kept_by_a_hook_stays_what_it_was():
    a, kept = leaf([1.0, 2.0]), []
    y = a * 1
    y.register_hook(kept.append)
    z = y + 0
    z.register_hook(kept.append)
    z.sum().backward()
    a.grad.mul_(100)
    kept[0].mul_(9)
    assert_same(kept[1], [1.0, 1.0])
    assert_same(a.grad, [100.0, 100.0])
