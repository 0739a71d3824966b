"""Saved-tensor hooks: what is packed and unpacked, when, by whom, and what hooks may not do."""

import contextlib
import weakref

import pytest

from tests.subject import assert_close, assert_same, leaf, torch

graph = torch.autograd.graph
grad = torch.autograd.grad


def noting(log, name="packed"):
    """Hooks that note each packing and change nothing."""
    return graph.saved_tensors_hooks(lambda x: log.append(name) or x, lambda x: x)


def test_each_saved_value_is_packed_once_and_unpacked_when_needed():
    log, x = [], leaf([2.0, 3.0])

    def pack(value):
        log.append(("pack", value.tolist()))
        return value.tolist()

    def unpack(packed):
        log.append(("unpack", packed))
        return torch.tensor(packed)

    with graph.saved_tensors_hooks(pack, unpack):
        y = x * x
    assert log == [("pack", [2.0, 3.0])] * 2
    y.sum().backward()
    assert log[2:] == [("unpack", [2.0, 3.0])] * 2
    assert_same(x.grad, [4.0, 6.0])


def test_numbers_and_operations_that_save_nothing_are_not_packed():
    log, x = [], leaf([2.0])
    with noting(log):
        (x * 2 + 1 - x).sum()
    assert log == []


def test_only_the_innermost_pair_packs():
    log, x = [], leaf([2.0])
    with noting(log, "outer"):
        with noting(log, "inner"):
            x.exp()
        x.exp()
    x.exp()
    assert log == ["inner", "outer"]


def test_a_value_is_unpacked_by_the_pair_that_packed_it():
    x = leaf([2.0])
    with graph.saved_tensors_hooks(lambda v: v * 10, lambda v: v / 10):
        y = x * x
    with graph.saved_tensors_hooks(lambda v: v * 0, lambda v: v * 0):
        y.sum().backward()
    assert_same(x.grad, [4.0])


def test_values_saved_by_a_custom_function_are_packed():
    log, x = [], leaf([2.0])

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, None)
            return x * x

        @staticmethod
        def backward(ctx, g):
            x, nothing = ctx.saved_tensors
            assert nothing is None
            return 2 * g * x

    with noting(log):
        y = Square.apply(x)
    y.backward()
    assert log == ["packed"]
    assert_same(x.grad, [4.0])


def test_a_saved_input_reaches_the_pack_hook_as_itself():
    x, seen = leaf([2.0]), []
    with graph.saved_tensors_hooks(lambda v: seen.append(v is x) or v, lambda v: v):
        x.log()
    assert seen == [True]


@pytest.mark.parametrize("function", [lambda x: x * x * x, lambda x: x.exp(), lambda x: x.tanh()])
def test_unpacked_values_keep_their_place_in_the_graph(function):
    x, y = leaf([0.5, 2.0]), leaf([0.5, 2.0])
    with graph.saved_tensors_hooks(lambda v: v.detach().clone(), lambda v: v):
        packed = function(x)
    plain = function(y)
    for _ in range(2):
        (packed,) = grad(packed.sum(), x, create_graph=True)
        (plain,) = grad(plain.sum(), y, create_graph=True)
        assert_same(packed, plain)


def test_a_packed_value_may_be_written_to_before_backward():
    x = leaf([2.0, 3.0])
    with graph.saved_tensors_hooks(lambda v: v.clone(), lambda v: v):
        b = x * 1
        y = b * b
    b.zero_()
    y.sum().backward()
    assert_same(x.grad, [4.0, 6.0])


def test_save_on_cpu_changes_nothing_here():
    x = leaf([2.0, 3.0])
    with graph.save_on_cpu():
        y = x.exp() * x
    y.sum().backward()
    again = leaf([2.0, 3.0])
    (again.exp() * again).sum().backward()
    assert_same(x.grad, again.grad)


# Mistakes


def test_a_pack_hook_may_not_write_to_its_input():
    x = leaf([2.0])
    with (
        graph.saved_tensors_hooks(lambda v: v.mul_(2), lambda v: v),
        pytest.raises(RuntimeError, match="A saved tensor pack hook is modifying its input in place"),
    ):
        (x * 1).log()


def test_an_unpack_hook_returns_a_tensor():
    x = leaf([2.0])
    with graph.saved_tensors_hooks(lambda v: 5, lambda v: 5):
        y = x.log()
    with pytest.raises(
        TypeError,
        match="unpack_hook expected to be a Tensor but got result of type int",
    ):
        y.backward()


@pytest.mark.parametrize("when", ["pack", "unpack"])
def test_an_exception_in_a_hook_keeps_its_type(when):
    def fail(v):
        raise KeyError(when)

    hooks = {"pack": lambda v: v, "unpack": lambda v: v, when: fail}
    x = leaf([2.0])
    with (
        pytest.raises(KeyError, match=when),
        graph.saved_tensors_hooks(hooks["pack"], hooks["unpack"]),
    ):
        x.log().backward()
    y = x.log()
    y.backward()
    assert_same(x.grad, [0.5])


def test_hooks_can_be_forbidden():
    with graph.disable_saved_tensors_hooks("not here"):
        with pytest.raises(RuntimeError, match="not here"), noting([]):
            pass
    with noting([]):
        pass
    with noting([]), pytest.raises(RuntimeError, match="not here"):
        with graph.disable_saved_tensors_hooks("not here"):
            pass


# Telling autograd of writes that it cannot see


def test_increment_version_makes_a_hidden_write_visible():
    a = leaf([2.0])
    b = a * 1
    y = b * b
    graph.increment_version(b)
    assert b._version == 1
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.backward()
    graph.increment_version([a, b])
    assert (a._version, b._version) == (1, 2)


# What compositions and operations with a derivative of their own save: PyTorch's set, each value once


def functional_calls():
    """Shapes that PyTorch's nodes pack, by call."""
    functional, labels = torch.nn.functional, torch.tensor([0, 2, 1])
    x, w, b = leaf([[0.5] * 4] * 3), leaf([[0.1] * 4] * 5), leaf([0.2] * 5)
    weight = torch.tensor([1.0, 2.0, 0.5, 1.0])
    images, places = leaf([[[[0.5]]] * 3] * 2), torch.tensor([[[0]], [[2]]])
    return {
        "softmax": (lambda: functional.softmax(x, 1), [(3, 4)]),
        "log_softmax": (lambda: x.log_softmax(0), [(3, 4)]),
        "gelu": (lambda: functional.gelu(x), [(3, 4)]),
        "gelu, tanh": (lambda: functional.gelu(x, approximate="tanh"), [(3, 4)]),
        "linear": (lambda: functional.linear(x, w, b), [(3, 4), (4, 5)]),
        "linear without bias": (lambda: functional.linear(x, w), [(3, 4), (4, 5)]),
        "linear, frozen weight": (lambda: functional.linear(x, w.detach(), b), [(4, 5)]),
        "linear, constant input": (lambda: functional.linear(x.detach(), w, b), [(3, 4)]),
        "linear, bias alone": (lambda: functional.linear(x.detach(), w.detach(), b), []),
        "cross_entropy": (lambda: functional.cross_entropy(x, labels), [(3, 4), (3, 4), (3,), ()]),
        "cross_entropy, not reduced": (
            lambda: functional.cross_entropy(x, labels, reduction="none"),
            [(3, 4), (3, 4), (3,), ()],
        ),
        "cross_entropy, weighted": (
            lambda: functional.cross_entropy(x, labels, weight),
            [(3, 4), (3, 4), (3,), (4,), ()],
        ),
        "cross_entropy of images": (
            lambda: functional.cross_entropy(images, places),
            [(2, 3, 1, 1), (2, 3, 1, 1), (2, 1, 1), ()],
        ),
    }


@pytest.mark.parametrize("name", functional_calls())
def test_functions_pack_what_pytorch_packs_and_once(name):
    call, shapes = functional_calls()[name]
    packed = []
    with graph.saved_tensors_hooks(lambda x: packed.append(tuple(x.shape)) or x, lambda x: x):
        call()
    assert sorted(packed) == sorted(shapes)


def gradients(name, hooks, order):
    """The gradients of the given order of one of the calls, whose values are saved under `hooks`."""
    call, _ = functional_calls()[name]
    inputs = [cell.cell_contents for cell in call.__closure__]
    leaves = [x for x in inputs if isinstance(x, torch.Tensor) and x.requires_grad]
    with hooks:
        value = (call() ** 2).sum()
    found = grad(value, leaves, create_graph=order > 1, allow_unused=True)
    if order > 1:
        total = sum((g**3).sum() for g in found if g is not None)
        found = grad(total, leaves, allow_unused=True) if total.requires_grad else ()
    return [g for g in found if g is not None]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", functional_calls())
def test_gradients_of_functions_under_hooks_are_the_plain_ones(name, order):
    copying = graph.saved_tensors_hooks(lambda x: x.detach().clone(), lambda x: x)
    hooked = gradients(name, copying, order)
    plain = gradients(name, contextlib.nullcontext(), order)
    assert len(hooked) == len(plain)
    for g, expected in zip(hooked, plain, strict=True):
        assert_close(g, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("softmax", {"result": (3, 4)}),
        ("log_softmax", {"result": (3, 4)}),
        ("gelu", {"self": (3, 4)}),
        ("linear", {"mat1": (3, 4), "mat2": (4, 5)}),
        ("linear without bias", {"self": (3, 4), "mat2": (4, 5)}),
        ("cross_entropy", {"self": (3, 4), "target": (3,), "total_weight": ()}),
        ("cross_entropy, weighted", {"self": (3, 4), "weight": (4,), "total_weight": ()}),
    ],
)
def test_saved_values_have_the_names_that_pytorch_gives_them(name, saved):
    node = functional_calls()[name][0]().grad_fn
    for what, shape in saved.items():
        assert tuple(getattr(node, f"_saved_{what}").shape) == shape
    assert not hasattr(node, "_saved_nonsense")


def test_saved_numbers_have_the_names_that_pytorch_gives_them():
    x = leaf([[0.5] * 4] * 3)
    assert x.softmax(1).grad_fn._saved_dim == 1
    node = torch.nn.functional.cross_entropy(x, torch.tensor([0, 1, 2]), ignore_index=7).grad_fn
    assert (node._saved_ignore_index, node._saved_reduction, node._saved_weight) == (7, 1, None)


def test_a_composition_refuses_a_saved_value_that_was_written_to():
    x = leaf([0.5, 1.0])
    y = x * 1
    z = torch.nn.functional.gelu(y)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_a_composition_keeps_alive_only_what_hooks_packed():
    x = leaf([0.5, 1.0])
    y = x * 1
    watched = weakref.ref(y)
    with graph.saved_tensors_hooks(lambda v: v.tolist(), lambda v: torch.tensor(v)):
        z = torch.nn.functional.gelu(y)
    del y
    assert watched() is None
    z.sum().backward()
    again = leaf([0.5, 1.0])
    torch.nn.functional.gelu(again).sum().backward()
    assert_close(x.grad, again.grad)
