"""Normalisations: accuracy far from zero, both orders of derivative, running statistics, transforms, refusals."""

import numpy as np
import pytest

from tests.derivatives import check_gradients, doubles
from tests.subject import assert_close, assert_identical, torch

F = torch.nn.functional


def array(x):
    return np.asarray(x.detach().tolist())


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 5), (3, 4, 300), (2, 8, 3, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_statistics_do_not_cancel_far_from_zero(shape, dtype):
    drawn = np.random.default_rng(0).normal(size=shape)
    x = torch.tensor((drawn + 1000).tolist(), dtype=dtype)
    exact = array(x).astype(float)
    n = shape[0]

    def expected(x, axes, seen):
        y = x.reshape(seen)
        y = (y - y.mean(axes, keepdims=True)) / np.sqrt(y.var(axes, keepdims=True) + 1e-5)
        return y.reshape(shape)

    bound = 2e-4 if dtype is torch.float32 else 1e-11
    batch = expected(exact, (0, 2), (n, shape[1], -1))
    group = expected(exact, (2,), (n, 2, -1))
    layer = expected(exact, (1,), (-1, shape[-1]))
    assert abs(array(F.batch_norm(x, None, None, training=True)) - batch).max() < bound
    assert abs(array(F.group_norm(x, 2)) - group).max() < bound
    assert abs(array(F.layer_norm(x, shape[-1:])) - layer).max() < bound


def test_constant_rows_are_exactly_zero():
    x = torch.full((3, 1000), 0.1)
    assert F.layer_norm(x, (1000,)).abs().max().item() < 1e-5


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 7)])
def test_batch_norm_gradients_twice(shape, training):
    mean, var = torch.full((3,), 0.1, dtype=torch.float64), torch.full((3,), 2.0, dtype=torch.float64)

    def function(x, weight, bias):
        return F.batch_norm(x, mean.clone(), var.clone(), weight, bias, training)

    check_gradients(function, doubles(*shape), doubles(3, seed=8), doubles(3, seed=9))


@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5), (2, 4, 2, 3)])
def test_group_norm_gradients_twice(shape):
    check_gradients(lambda x, w, b: F.group_norm(x, 2, w, b), doubles(*shape), doubles(4, seed=8), doubles(4, seed=9))


def test_layer_norm_gradients_twice():
    inputs = doubles(3, 2, 5), doubles(2, 5, seed=8), doubles(2, 5, seed=9)
    check_gradients(lambda x, w, b: F.layer_norm(x, (2, 5), w, b), *inputs)
    check_gradients(lambda x, b: F.layer_norm(x, (2, 5), None, b), inputs[0], inputs[2])
    check_gradients(lambda x, w: F.rms_norm(x, (2, 5), w), *inputs[:2])


def test_statistics_of_groups_have_gradients():
    x = doubles(2, 4, 3)
    for which in (1, 2):
        check_gradients(lambda x, k=which: torch.native_group_norm(x, None, None, 2, 4, 3, 2, 1e-5)[k], x)


def test_gradients_in_one_pass_are_those_of_the_recorded_formula():
    torch.manual_seed(0)
    for function, shape, count in (
        (lambda x, w, b: F.layer_norm(x, (300,), w, b), (200, 300), 300),
        (lambda x, w, b: F.group_norm(x, 4, w, b), (16, 32, 100), 32),
        (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (16, 32, 100), 32),
        (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (999, 70), 70),
    ):
        inputs = [torch.randn(*s).requires_grad_() for s in (shape, (count,), (count,))]
        g = torch.randn(*shape)
        fast = torch.autograd.grad(function(*inputs), inputs, g)
        slow = torch.autograd.grad(function(*inputs), inputs, g, create_graph=True)
        for a, b in zip(fast, slow, strict=True):
            assert (a - b).abs().max().item() < 2e-4


def test_results_do_not_depend_on_threads():
    torch.manual_seed(0)
    x = torch.randn(64, 32, 30).requires_grad_()
    threads = torch.get_num_threads()
    made = []
    for count in (1, 2):
        torch.set_num_threads(count)
        for out in (F.layer_norm(x, (30,)), F.batch_norm(x, None, None, training=True), F.group_norm(x, 4)):
            made += [out.detach(), torch.autograd.grad(out, x, x.detach())[0]]
    torch.set_num_threads(threads)
    for one, two in zip(made[:6], made[6:], strict=True):
        assert_identical(one, two)


def test_running_statistics_follow_the_unbiased_batch():
    x = torch.tensor([[1.0], [2.0], [6.0]])
    mean, var = torch.zeros(1), torch.ones(1)
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    assert_close(mean, [0.75])
    assert_close(var, [0.75 + 0.25 * 7.0])
    F.batch_norm(x, mean, var, training=False)
    assert_close(mean, [0.75])


def test_two_training_passes_may_come_before_the_first_backward():
    mean, var = torch.zeros(3), torch.ones(3)
    x = torch.randn(4, 3, requires_grad=True)
    first = F.batch_norm(x, mean, var, training=True)
    F.batch_norm(x, mean, var, training=True)
    first.sum().backward()
    assert x.grad is not None and mean._version == 0


def test_instance_norm_moves_running_statistics_by_the_mean_over_examples():
    x = torch.tensor([[[1.0, 3.0]], [[4.0, 8.0]]])
    mean, var = torch.zeros(1), torch.zeros(1)
    out = F.instance_norm(x, mean, var, momentum=0.5)
    assert_close(mean, [2.0])
    assert_close(var, [2.5])
    assert_close(out, [[[-1.0, 1.0]], [[-1.0, 1.0]]], rtol=1e-4)


def test_half_types_are_computed_in_float32():
    x = torch.randn(8, 256).to(torch.bfloat16)
    exact = F.layer_norm(x.to(torch.float32), (256,))
    assert_identical(F.layer_norm(x, (256,)), exact.to(torch.bfloat16))
    weight = torch.ones(256)
    assert F.layer_norm(x, (256,), weight).dtype is torch.bfloat16
    assert torch.native_layer_norm(x, (256,), weight, None, 1e-5)[1].dtype is torch.float32


def test_saved_values_are_those_of_pytorch():
    x, w = doubles(2, 4, 3), doubles(4, seed=1)
    node = F.group_norm(x, 2, w).grad_fn
    assert (node._saved_N, node._saved_C, node._saved_HxW, node._saved_group) == (2, 4, 3, 2)
    assert node._saved_eps == 1e-5
    assert node._saved_input is x and tuple(node._saved_result1.shape) == (2, 2)
    node = F.batch_norm(x, None, None, w, training=True).grad_fn
    assert node._saved_training is True and node._saved_running_mean is None
    assert tuple(node._saved_result2.shape) == (4,)


def test_channels_last_images_stay_so():
    x = torch.randn(2, 3, 4, 5)
    last = x.contiguous(memory_format=torch.channels_last)
    for function in (lambda x: F.batch_norm(x, None, None, training=True), lambda x: F.group_norm(x, 3)):
        out = function(last)
        assert out.stride() == last.stride()
        assert_close(out, function(x), atol=1e-5)


def test_each_layer_runs_inside_vmap_and_jvp():
    x, t = doubles(3, 4, 6).detach(), doubles(3, 4, 6, seed=5).detach()
    for function in (lambda x: F.layer_norm(x, (6,)), lambda x: F.batch_norm(x, None, None, training=True)):
        each = torch.func.vmap(function)(x)
        assert_close(each, torch.stack([function(x[i]) for i in range(3)]), rtol=1e-9)
        value, tangent = torch.func.jvp(function, (x,), (t,))
        moved = (function(x + 1e-6 * t) - function(x - 1e-6 * t)) / 2e-6
        assert_close(value, function(x), rtol=1e-9)
        assert_close(tangent, moved, rtol=1e-4, atol=1e-6)


REFUSED = [
    (lambda: F.layer_norm(torch.ones(2, 3), (4,)), RuntimeError, "Given normalized_shape=\\[4\\]"),
    (lambda: F.layer_norm(torch.ones(2, 3), (3,), torch.ones(2)), RuntimeError, "Expected weight to be of same shape"),
    (lambda: F.layer_norm(torch.ones(2, dtype=torch.int64), (2,)), NotImplementedError, "LayerNormKernelImpl"),
    (
        lambda: F.layer_norm(torch.ones(2), (2,), torch.ones(2).double()),
        RuntimeError,
        "expect parameter to have scalar type of Float",
    ),
    (lambda: F.group_norm(torch.ones(2, 3), 2), RuntimeError, "divisible by num_groups"),
    (lambda: F.group_norm(torch.ones(2, 4), 2, torch.ones(3)), RuntimeError, "Expected weight to be a vector"),
    (lambda: F.batch_norm(torch.ones(1, 3), None, None, training=True), ValueError, "Expected more than 1 value"),
    (lambda: F.batch_norm(torch.ones(2, 3), None, None), RuntimeError, "must be defined in evaluation mode"),
    (lambda: F.batch_norm(torch.ones(2, 3), torch.ones(2), torch.ones(3)), RuntimeError, "should contain 3 elements"),
    (lambda: F.instance_norm(torch.ones(2, 3, 1)), ValueError, "more than 1 spatial element"),
    (lambda: F.rms_norm(torch.ones(2, 3), (2,)), RuntimeError, "Given normalized_shape"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED)
def test_bad_calls_are_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()
