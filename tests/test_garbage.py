"""Cycles are freed by the collector; long graphs live and die without recursion."""

import gc
import sys
import weakref

import pytest

from tests.subject import assert_close, assert_same, leaf, run_alone, torch

# How many nodes the long graphs have: enough to overflow any stack that recursion would use.
LONG = 200_000
LONG_CUSTOM = 150_000
ELEMENT_WRITES = 20_000
REENTRANT = 2_000


def hook_over_its_own_tensor():
    """A tensor hook that closes over the tensor it belongs to."""
    a = leaf([1.0])
    y = a * 2
    y.register_hook(lambda g: g * y.detach())
    return [a, y]


def hook_over_a_downstream_tensor():
    """A tensor hook that closes over a result of its tensor."""
    a = leaf([1.0])
    y = a * 2
    z = y.exp()
    y.register_hook(lambda g: g * z.detach())
    return [y, z]


def hook_over_its_node():
    """A node hook that closes over the node it belongs to."""
    y = leaf([1.0]) * 2
    node = y.grad_fn
    node.register_hook(lambda inputs, outputs: print(node.name()))
    return [y]


def gradient_of_create_graph():
    """A leaf whose gradient has a graph that leads back to the leaf."""
    a = leaf([1.0])
    (a * a).sum().backward(create_graph=True)
    return [a, a.grad]


def saved_view_of_an_output():
    """A node that saves a view of its own output."""

    class KeepView(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            ctx.save_for_backward(y.view(-1))
            return y

        @staticmethod
        def backward(ctx, g):
            return g

    return [KeepView.apply(leaf([1.0, 2.0]))]


def identity_pack_hook():
    """Saved-tensor hooks that keep the saved output itself."""
    with torch.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):
        y = leaf([1.0]).exp()
    return [y]


def context_holds_its_output():
    """`ctx.y = output` in a custom Function."""

    class Keep(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.y = output

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return [Keep.apply(leaf([1.0]))]


PATTERNS = [
    hook_over_its_own_tensor,
    hook_over_a_downstream_tensor,
    hook_over_its_node,
    gradient_of_create_graph,
    saved_view_of_an_output,
    identity_pack_hook,
    context_holds_its_output,
]


FREED_BY_PYTORCH_TOO = [hook_over_its_node, context_holds_its_output]
LEAK = pytest.mark.ours_differs("PyTorch never frees this cycle")


class Witness:
    """An attribute that dies with the tensor it is attached to."""


def attach_witnesses(tensors):
    """Weak references to the tensors and to an attribute of each."""
    references = []
    for tensor in tensors:
        tensor.witness = Witness()
        references += [weakref.ref(tensor), weakref.ref(tensor.witness)]
    return references


@pytest.mark.usefixtures("quietly")
@pytest.mark.parametrize(
    "pattern",
    [p if p in FREED_BY_PYTORCH_TOO else pytest.param(p, marks=LEAK) for p in PATTERNS],
    ids=lambda p: p.__name__,
)
def test_a_cycle_is_freed_by_the_collector(pattern):
    references = attach_witnesses(pattern())
    gc.collect()
    assert [reference() for reference in references] == [None] * len(references)


@pytest.mark.usefixtures("quietly")
@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.__name__)
def test_a_cycle_that_is_in_use_survives_the_collector(pattern):
    tensors = pattern()
    references = attach_witnesses(tensors)
    before = [tensor.tolist() for tensor in tensors]
    gc.collect()
    assert None not in [reference() for reference in references]
    assert [tensor.tolist() for tensor in tensors] == before


def test_a_graph_without_cycle_is_freed_at_once():
    gc.disable()
    try:
        a = leaf([1.0, 2.0])
        y = (a * 2).exp()
        references = attach_witnesses([y])
        z = y.sum()
        z.backward()
        del y, z
        assert [reference() for reference in references] == [None, None]
    finally:
        gc.enable()


def test_attributes_of_a_tensor_last_while_a_graph_needs_it():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    reference = weakref.ref(a)
    a.note = "kept"
    del a
    gc.collect()
    assert reference() is not None and reference().note == "kept"
    y.backward()
    assert_same(reference().grad, [2.0, 4.0])
    del y
    gc.collect()
    assert reference() is None


def test_a_long_chain_is_built_differentiated_and_freed():
    assert gc.isenabled()
    a = leaf([1.0, 2.0])
    y = a
    for _ in range(LONG):
        y = y + 1
    y.sum().backward()
    assert_same(a.grad, [1.0, 1.0])
    assert_same(y, [LONG + 1.0, LONG + 2.0])
    reference = weakref.ref(y)
    del y
    gc.collect()
    assert reference() is None


def test_a_long_chain_that_is_never_differentiated_is_freed():
    y = leaf([1.0])
    for _ in range(LONG):
        y = y * 1
    reference = weakref.ref(y)
    del y
    assert reference() is None


def test_a_long_chain_of_custom_functions_does_not_recurse():
    class Step(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * (x / x)

    depth = sys.getrecursionlimit()
    a = leaf([2.0])
    y = a
    for _ in range(LONG_CUSTOM):
        y = Step.apply(y)
    y.sum().backward()
    assert_same(a.grad, [1.0])
    del y
    gc.collect()
    assert sys.getrecursionlimit() == depth


@LEAK
def test_a_long_chain_of_cycles_is_freed_by_the_collector():
    y = leaf([1.0])
    for _ in range(20_000):
        y = y * 1
        y.register_hook(lambda g, own=y: None)
    reference = weakref.ref(y)
    del y
    gc.collect()
    assert reference() is None


def test_a_wide_graph_is_differentiated_and_freed():
    a = leaf([1.0])
    parts = [a * (i % 3) for i in range(50_000)]
    total = torch.cat(parts).sum()
    total.backward()
    assert_same(a.grad, [49_999.0])
    reference = weakref.ref(parts[-1])
    del parts, total
    gc.collect()
    assert reference() is None


def test_many_element_writes_differentiate():
    a = leaf(0.5)
    b = torch.zeros(ELEMENT_WRITES)
    for i in range(ELEMENT_WRITES):
        b[i] = a * (i % 7)
    (b * torch.ones(ELEMENT_WRITES)).sum().backward()
    assert_close(b[:8], [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 0.0])
    assert_close(a.grad, float(sum(i % 7 for i in range(ELEMENT_WRITES))))


def test_a_reentrant_backward_is_not_limited_by_the_stack():
    class Reenter(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, depth):
            ctx.depth = depth
            return x * 1

        @staticmethod
        def backward(ctx, g):
            if ctx.depth:
                with torch.enable_grad():
                    inner = torch.ones(1, requires_grad=True)
                    Reenter.apply(inner, ctx.depth - 1).sum().backward()
                assert inner.grad.tolist() == [1.0]
            return g, None

    a = leaf([1.0])
    Reenter.apply(a, REENTRANT).sum().backward()
    assert_same(a.grad, [1.0])


def test_a_process_ends_well_with_graphs_and_cycles_alive():
    output = run_alone("""
        a = torch.tensor([1.0], requires_grad=True)
        y = a
        for _ in range(20000):
            y = y * 1
        y.register_hook(lambda g: y)
        z = y.exp()
        print("end")
        """)
    assert output == "end\n"
