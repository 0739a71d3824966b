"""Long graphs: nothing recurses, nothing is left behind, and the collector is not set off by the graph itself."""

import gc
import weakref

from tests.subject import assert_same, torch

LONG = 1_000_000
FUNCTIONS = 150_000
WRITES = 100_000


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 1

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.shape[0]


def chain(leaf, factor, nodes):
    x = leaf
    for _ in range(nodes):
        x = x * factor
    return x


def test_a_million_nodes_are_differentiated_and_freed_without_recursion():
    leaf, factor = torch.ones(4, requires_grad=True), torch.ones(4)
    x = chain(leaf, factor, LONG)
    watched = weakref.ref(x.grad_fn.next_functions[0][0])
    x.backward(factor)
    assert_same(leaf.grad, [1.0] * 4)
    del x
    assert watched() is None


def test_custom_functions_in_a_long_chain_do_not_recurse():
    leaf = torch.ones(1, requires_grad=True)
    x = leaf
    for _ in range(FUNCTIONS):
        x = Double.apply(x)
    watched = weakref.ref(x.grad_fn)
    x.sum().backward(retain_graph=True)
    assert_same(leaf.grad, [1.0])
    del x
    assert watched() is None


def test_nodes_do_not_set_off_the_collector():
    leaf, factor = torch.ones(4, requires_grad=True), torch.ones(4)
    chain(leaf, factor, 100)
    gc.collect()
    before = [generation["collections"] for generation in gc.get_stats()]
    x = chain(leaf, factor, 50_000)
    after = [generation["collections"] for generation in gc.get_stats()]
    assert sum(after) - sum(before) <= 2
    assert x.grad_fn is not None


def test_the_collector_sees_nodes_and_frees_a_cycle_through_many():
    leaf, factor = torch.ones(4, requires_grad=True), torch.ones(4)
    x = chain(leaf, factor, 10_000)
    watched = weakref.ref(x.grad_fn)
    leaf.result = x
    del x, leaf
    gc.collect()
    assert watched() is None


def test_a_graph_of_many_writes_of_single_elements_has_a_node_for_each():
    b, value = torch.zeros(WRITES), torch.ones((), requires_grad=True)
    for i in range(WRITES):
        b[i] = value
    depth, node = 0, b.grad_fn
    while node is not None:
        depth, node = depth + 1, node.next_functions[0][0]
    assert depth == WRITES
    b.sum().backward()
    assert_same(value.grad, float(WRITES))
