# Autocast: which dtype operations choose, what is converted once, and where its context begins and ends.
"""Which operation takes which dtype is compared with PyTorch by tests/conformance/autocast.py; here are the rules."""

from __future__ import annotations

import pickle
import threading
import warnings
from typing import Any

import pytest

import tapeless as tl
from tapeless.nn import functional as F

bfloat16, float16, float32, float64 = tl.bfloat16, tl.float16, tl.float32, tl.float64


def matrix(dtype: Any = float32, grad: bool = False) -> Any:
    """Three rows of four."""
    return tl.arange(12.0).view(3, 4).div(12).to(dtype).requires_grad_(grad)


def test_products_run_in_the_lower_precision_and_losses_in_float32() -> None:
    x, square = matrix(), tl.eye(3)
    with tl.autocast("cpu"):
        lower = [x @ x.T, tl.mm(x, x.T), F.linear(x, x), tl.addmm(square, x, x.T), tl.einsum("ij,kj", x, x)]
        assert [out.dtype for out in lower] == [bfloat16] * 5
        half = x.bfloat16()
        full = [F.mse_loss(half, half), F.cross_entropy(half, tl.tensor([0, 1, 2])), half.prod(), tl.cdist(half, half)]
        assert [out.dtype for out in full] == [float32] * 4
        assert (half + half).dtype == bfloat16
        assert tl.cat([half, x]).dtype == tl.stack([half, x]).dtype == float32
    assert (x @ x.T).dtype == float32


def test_float64_integers_and_complex_numbers_stay() -> None:
    with tl.autocast("cpu"):
        assert tl.mm(matrix(float64), matrix(float64).T).dtype == float64
        assert tl.mm(matrix(tl.int64), matrix(tl.int64).T).dtype == tl.int64
        assert tl.mm(matrix(tl.complex64), matrix(tl.complex64).T).dtype == tl.complex64


def test_widest_refuses_a_half_type_that_is_not_the_contexts() -> None:
    with tl.autocast("cpu"), pytest.raises(RuntimeError, match="Unexpected floating ScalarType in at::autocast"):
        tl.cat([matrix(float16), matrix()])


def test_a_call_with_out_and_a_write_in_place_are_left_alone() -> None:
    x, out, total = matrix(), tl.empty(3, 3), tl.eye(3)
    with tl.autocast("cpu"):
        assert tl.mm(x, x.T, out=out).dtype == float32
        assert total.addmm_(x, x.T).dtype == float32


def test_contexts_nest_and_restore_what_was_set() -> None:
    x = matrix()
    with tl.autocast("cpu"):
        with tl.autocast("cpu", enabled=False):
            assert (x @ x.T).dtype == float32
        with tl.autocast("cpu", dtype=float16):
            assert (x @ x.T).dtype == float16
            assert tl.get_autocast_dtype("cpu") == float16
        assert (x @ x.T).dtype == bfloat16
        with pytest.raises(ZeroDivisionError), tl.autocast("cpu", enabled=False):
            raise ZeroDivisionError
        assert tl.is_autocast_enabled("cpu")
    assert not tl.is_autocast_enabled("cpu")


def test_one_object_may_be_entered_again_inside_itself() -> None:
    context = tl.autocast("cpu")
    with context:
        with context:
            pass
        assert tl.is_autocast_enabled("cpu")
    assert not tl.is_autocast_enabled("cpu")


def test_it_decorates_functions() -> None:
    @tl.autocast("cpu")
    def product(x: Any) -> Any:
        return x @ x.T

    assert product(matrix()).dtype == bfloat16
    assert product.__name__ == "product"


def test_other_threads_do_not_see_it() -> None:
    seen = []
    with tl.autocast("cpu"):
        thread = threading.Thread(target=lambda: seen.append((matrix() @ matrix().T).dtype))
        thread.start()
        thread.join()
    assert seen == [float32]


def test_a_parameter_is_converted_once_and_gets_a_gradient_of_its_own_dtype() -> None:
    w, x = matrix(grad=True), matrix()
    with tl.autocast("cpu"):
        first, second, third = F.linear(x, w), x @ w.T, tl.mm(w, x.T)
        assert third.grad_fn.next_functions[0][0] is tl.mm(w, x.T).grad_fn.next_functions[0][0]
    (first.sum() + second.sum() + third.sum()).backward()
    assert w.grad.dtype == float32
    assert (w.grad - 3 * x.sum(0)).abs().max() < 0.05


def test_without_the_cache_each_use_converts() -> None:
    w = matrix(grad=True)
    with tl.autocast("cpu", cache_enabled=False):
        a, b = tl.mm(w, w.T), tl.mm(w, w.T)
        assert a.grad_fn.next_functions[0][0] is not b.grad_fn.next_functions[0][0]


def test_a_parameter_that_was_written_is_converted_anew() -> None:
    w = tl.eye(2, requires_grad=True)
    with tl.autocast("cpu"):
        assert (w @ w).sum() == 2
        with tl.no_grad():
            w.mul_(3)
        assert (w @ w).sum() == 18


def test_what_no_grad_converted_does_not_cost_the_gradient() -> None:
    w = tl.eye(2, requires_grad=True)
    with tl.autocast("cpu"):
        with tl.no_grad():
            assert not (w @ w).requires_grad
        assert (w @ w).requires_grad


def test_a_custom_function_sees_the_same_autocast_in_both_directions() -> None:
    seen = []

    class Product(tl.autograd.Function):
        @staticmethod
        @tl.amp.custom_fwd(device_type="cpu")
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x @ x.T

        @staticmethod
        @tl.amp.custom_bwd(device_type="cpu")
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            seen.append((x @ x.T).dtype)
            return (g + g.T) @ x

    x = matrix(grad=True)
    with tl.autocast("cpu"):
        out = Product.apply(x)
    assert out.dtype == bfloat16
    out.float().sum().backward()
    assert seen == [bfloat16]
    assert x.grad.dtype == float32


def test_cast_inputs_runs_forward_without_autocast() -> None:
    class Product(tl.autograd.Function):
        @staticmethod
        @tl.amp.custom_fwd(device_type="cpu", cast_inputs=float32)
        def forward(ctx: Any, x: Any) -> Any:
            return x @ x.T

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    with tl.autocast("cpu"):
        assert Product.apply(matrix(bfloat16)).dtype == float32


def test_what_cannot_be_is_said() -> None:
    with pytest.warns(UserWarning, match="CUDA is not available"):
        context = tl.autocast("cuda")
    with context:
        assert not tl.is_autocast_enabled()
    with pytest.warns(UserWarning, match="In CPU autocast, but the target dtype is not supported"):
        tl.autocast("cpu", dtype=float32)
    with pytest.raises(ValueError, match="Expected `device_type` of type `str`"):
        tl.autocast(tl.device("cpu"))
    with pytest.raises(RuntimeError, match="device type at start of device string: toaster"):
        tl.autocast("toaster")
    with pytest.warns(DeprecationWarning, match="is_autocast_enabled"):
        assert not tl.is_autocast_cpu_enabled()


def test_settings_by_hand_act_on_the_thread() -> None:
    tl.set_autocast_enabled("cpu", True)
    try:
        tl.set_autocast_dtype("cpu", float16)
        assert (matrix() @ matrix().T).dtype == float16
    finally:
        tl.set_autocast_enabled("cpu", False)
        tl.set_autocast_dtype("cpu", bfloat16)
        tl.clear_autocast_cache()


def test_functions_with_a_policy_are_pickled_by_name_and_keep_their_signature() -> None:
    import inspect

    assert pickle.loads(pickle.dumps(F.linear)) is F.linear
    assert list(inspect.signature(F.linear).parameters) == ["input", "weight", "bias"]


def test_batches_and_tangents_go_through() -> None:
    x = matrix()
    with tl.autocast("cpu"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tl.func.vmap(lambda row: row @ row)(x).dtype == bfloat16
        assert tl.func.jvp(lambda y: y @ y.T, (x,), (x,))[1].dtype == bfloat16
