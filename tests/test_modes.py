"""Grad mode and inference mode: contexts, decorators, generators, threads."""

import threading

import pytest

from tests.subject import assert_close, assert_same, leaf, torch

INFERENCE_WRITE = r"Inplace update to inference tensor outside InferenceMode is not allowed\."

# no_grad, enable_grad, set_grad_enabled


def test_no_grad_and_enable_grad_nest_and_restore():
    assert torch.is_grad_enabled()
    with torch.no_grad():
        assert not torch.is_grad_enabled()
        with torch.enable_grad():
            assert torch.is_grad_enabled()
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_the_mode_is_restored_after_an_exception():
    with pytest.raises(ValueError, match="inside"), torch.no_grad():
        raise ValueError("inside")
    assert torch.is_grad_enabled()


def test_one_context_object_can_be_used_again():
    mode = torch.no_grad()
    for _ in range(2):
        with mode:
            assert not torch.is_grad_enabled()
        assert torch.is_grad_enabled()


def test_set_grad_enabled_acts_at_the_call():
    try:
        torch.set_grad_enabled(False)
        assert not torch.is_grad_enabled()
        assert not (leaf([1.0]) * 2).requires_grad
    finally:
        torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_results_under_no_grad_are_leaves_without_grad():
    a = leaf([1.0])
    with torch.no_grad():
        y = a * 2
        assert y.is_leaf and not y.requires_grad and y.grad_fn is None
        with torch.enable_grad():
            z = a * 2
    assert z.requires_grad and z.grad_fn.name() == "MulBackward0"


def test_new_leaves_under_no_grad_still_require_grad():
    with torch.no_grad():
        a = torch.tensor([1.0], requires_grad=True)
        b = torch.zeros(2, requires_grad=True)
        c = torch.zeros(2).requires_grad_()
    assert all(x.requires_grad and x.is_leaf for x in (a, b, c))
    (a * 2).sum().backward()
    assert_same(a.grad, [2.0])


def test_numpy_of_a_grad_tensor_works_under_no_grad():
    a = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad\."):
        a.numpy()
    with torch.no_grad():
        assert a.numpy().tolist() == [1.0, 2.0]


# Decorators


@pytest.mark.parametrize("decorator", ["no_grad", "no_grad()", "inference_mode()"])
def test_decorators_work_with_and_without_parentheses(decorator):
    mode = getattr(torch, decorator.rstrip("()"))

    @(mode() if decorator.endswith(")") else mode)
    def double(x, *, by=2):
        """Doc."""
        return x * by, torch.is_grad_enabled()

    result, enabled = double(leaf([1.0]), by=3)
    assert not enabled and not result.requires_grad
    assert double.__name__ == "double" and double.__doc__ == "Doc."
    assert torch.is_grad_enabled()


def test_enable_grad_and_set_grad_enabled_are_decorators():
    @torch.enable_grad()
    def on():
        return torch.is_grad_enabled()

    @torch.set_grad_enabled(False)
    def off():
        return torch.is_grad_enabled()

    assert torch.is_grad_enabled()
    with torch.no_grad():
        assert on()
    assert not off()
    assert torch.is_grad_enabled()


def test_a_decorated_function_may_call_itself():
    @torch.no_grad()
    def depth(n):
        assert not torch.is_grad_enabled()
        return 0 if n == 0 else 1 + depth(n - 1)

    assert depth(5) == 5
    assert torch.is_grad_enabled()


def test_a_decorated_method_gets_its_self():
    class Model:
        scale = 3

        @torch.no_grad()
        def predict(self, x):
            return x * self.scale

    y = Model().predict(leaf([1.0]))
    assert not y.requires_grad
    assert_same(y, [3.0])


def test_decorating_a_class_is_deprecated():
    with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):

        @torch.no_grad()
        class Model:
            def __init__(self):
                self.enabled = torch.is_grad_enabled()

    assert not Model().enabled


# Generators


def test_a_decorated_generator_restores_the_mode_at_each_yield():
    inside = []

    @torch.no_grad()
    def numbers():
        for i in range(3):
            inside.append(torch.is_grad_enabled())
            yield i

    outside = []
    for _ in numbers():
        outside.append(torch.is_grad_enabled())
    assert inside == [False] * 3 and outside == [True] * 3


def test_a_decorated_generator_passes_values_exceptions_and_the_result():
    log = []

    @torch.no_grad()
    def conversation():
        try:
            got = yield "first"
            log.append((got, torch.is_grad_enabled()))
            try:
                yield "second"
            except KeyError:
                log.append(("caught", torch.is_grad_enabled()))
            yield "third"
        finally:
            log.append(("closed", torch.is_grad_enabled()))

    talk = conversation()
    assert next(talk) == "first" and torch.is_grad_enabled()
    assert talk.send("hello") == "second" and torch.is_grad_enabled()
    assert talk.throw(KeyError()) == "third" and torch.is_grad_enabled()
    talk.close()
    assert torch.is_grad_enabled()
    assert log == [("hello", False), ("caught", False), ("closed", False)]


def test_a_decorated_generator_returns_its_value():
    @torch.no_grad()
    def one():
        yield 1
        return 7

    def outer():
        return (yield from one())

    steps = outer()
    assert next(steps) == 1
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == 7


# Threads


def test_the_mode_belongs_to_a_thread():
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_mode_set_in_a_thread_stays_there():
    def work():
        torch.set_grad_enabled(False)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert torch.is_grad_enabled()


def test_a_graph_may_be_differentiated_in_another_thread():
    a = leaf([1.0, 2.0])
    y = (a * a).sum()
    thread = threading.Thread(target=y.backward)
    thread.start()
    thread.join()
    assert_same(a.grad, [2.0, 4.0])


# Inference mode


def test_tensors_made_in_inference_mode_say_so():
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
        x = torch.ones(2)
        y = leaf([1.0, 2.0]) * 2
    assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()
    assert x.is_inference() and y.is_inference()
    assert not y.requires_grad and not torch.ones(2).is_inference()


def test_inference_mode_can_be_switched_off():
    with torch.inference_mode(False):
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    with torch.inference_mode(), torch.inference_mode(False):
        assert not torch.ones(1).is_inference()


def test_an_inference_tensor_cannot_be_saved_for_backward():
    w = leaf([1.0, 2.0])
    with torch.inference_mode():
        x = torch.ones(2)
    with pytest.raises(RuntimeError, match=r"Inference tensors cannot be saved for backward\."):
        w * x
    y = w + x
    y.sum().backward()
    assert_same(w.grad, [1.0, 1.0])
    (w * x.clone()).sum().backward()
    assert_same(w.grad, [2.0, 2.0])


def test_an_inference_tensor_cannot_be_written_outside():
    with torch.inference_mode():
        x = torch.ones(2)
        x.add_(1)
    with pytest.raises(RuntimeError, match=INFERENCE_WRITE):
        x.add_(1)


@pytest.mark.ours_differs("PyTorch writes first and raises afterwards")
def test_a_refused_write_to_an_inference_tensor_changes_nothing():
    with torch.inference_mode():
        x = torch.ones(2)
    with pytest.raises(RuntimeError, match=INFERENCE_WRITE):
        x.add_(1)
    assert_same(x, [1.0, 1.0])


def test_an_inference_tensor_has_no_version_and_cannot_require_grad():
    with torch.inference_mode():
        x = torch.ones(2)
    with pytest.raises(RuntimeError, match=r"Inference tensors do not track version counter\."):
        x._version  # Reading it is what raises.
    with pytest.raises(
        RuntimeError,
        match="Setting requires_grad=True on inference tensor outside InferenceMode is not allowed",
    ):
        x.requires_grad_()
    assert not x.requires_grad


def test_enable_grad_inside_inference_mode_records_nothing():
    a = leaf([1.0])
    with torch.inference_mode(), torch.enable_grad():
        y = a * 2
    assert not y.requires_grad and y.is_inference()


def test_views_and_writes_of_normal_tensors_in_inference_mode_are_normal():
    a = torch.ones(2)
    with torch.inference_mode():
        view = a.view(2)
        a.add_(1)
        assert a._version == 1
    assert not view.is_inference()
    assert_same(view, [2.0, 2.0])


def test_the_data_of_an_inference_tensor_counts_its_own_writes():
    with torch.inference_mode():
        x = torch.ones(2)
    alias = x.data
    alias.mul_(3)
    assert alias._version == 1 and x.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="do not track version counter"):
        x._version  # noqa: B018


def test_a_view_made_in_inference_mode_can_be_asked_to_require_grad():
    y = leaf([[1.0], [2.0]]).exp()
    with torch.inference_mode():
        first, _ = y.split(1)
    first.requires_grad_()
    (first * first).sum().backward()
    assert_close(first.grad, first.detach() * 2)


def test_a_detached_inference_tensor_counts_its_writes():
    with torch.inference_mode():
        x = torch.ones(2)
    y = x.detach()
    y.add_(1)
    assert y._version == 1
