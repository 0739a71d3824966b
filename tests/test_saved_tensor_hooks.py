"""Saved-tensor hooks: what is packed and unpacked, when, by whom, and what hooks may not do."""

import pytest

from tests.subject import assert_same, leaf, torch

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
