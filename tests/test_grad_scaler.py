"""GradScaler scales losses, leaves out steps that are not finite, and adapts its scale as PyTorch's does."""

import pickle

import pytest

from tests.subject import assert_close, assert_same, leaf, torch


def scaled_step(scaler, optimizer, p, factor=2.0):
    optimizer.zero_grad()
    scaler.scale((p * factor).sum()).backward()
    scaler.step(optimizer)
    scaler.update()


def scene(**options):
    p = leaf([1.0, 2.0])
    return p, torch.optim.SGD([p], lr=0.1), torch.amp.GradScaler("cpu", **options)


def test_a_step_is_that_of_the_unscaled_gradient():
    p, optimizer, scaler = scene()
    loss = scaler.scale((p * 2).sum())
    assert loss.item() == 6 * 65536
    loss.backward()
    scaler.step(optimizer)
    assert_close(p, [0.8, 1.8])
    assert_close(p.grad, [2.0, 2.0])


def test_infinite_gradients_leave_out_the_step_and_lower_the_scale():
    p, optimizer, scaler = scene(init_scale=4.0)
    scaled_step(scaler, optimizer, p, float("inf"))
    assert_same(p, [1.0, 2.0])
    assert scaler.get_scale() == 2.0


def test_the_scale_grows_after_the_interval():
    p, optimizer, scaler = scene(init_scale=4.0, growth_interval=2)
    scales = []
    for _ in range(4):
        scaled_step(scaler, optimizer, p)
        scales.append(scaler.get_scale())
    assert scales == [4.0, 8.0, 8.0, 16.0]


def test_gradients_can_be_clipped_after_unscaling():
    p, optimizer, scaler = scene()
    scaler.scale((p * 2).sum()).backward()
    scaler.unscale_(optimizer)
    assert_close(p.grad, [2.0, 2.0])
    p.grad.clamp_(max=1.0)
    scaler.step(optimizer)
    assert_close(p, [0.9, 1.9])


def test_calls_in_the_wrong_order_are_refused():
    p, optimizer, scaler = scene()
    with pytest.raises(AssertionError, match="Attempted step but _scale is None"):
        scaler.step(optimizer)
    scaler.scale(p.sum()).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="has already been called on this optimizer since the last update"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="step.. has already been called since the last update"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="unscale_.. is being called after step"):
        scaler.unscale_(optimizer)


def test_a_state_dict_goes_on_where_it_was_taken():
    p, optimizer, scaler = scene(init_scale=4.0, growth_interval=3)
    scaled_step(scaler, optimizer, p)
    expected = {
        "scale": 4.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 3,
        "_growth_tracker": 1,
    }
    assert scaler.state_dict() == expected
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.state_dict() == expected
    assert pickle.loads(pickle.dumps(scaler)).state_dict() == expected


def test_without_a_device_it_warns_and_does_nothing():
    with pytest.warns(UserWarning, match="GradScaler is enabled, but CUDA is not available.  Disabling."):
        scaler = torch.amp.GradScaler()
    p, optimizer, _ = scene()
    assert not scaler.is_enabled() and scaler.get_scale() == 1.0 and scaler.state_dict() == {}
    scaled_step(scaler, optimizer, p)
    assert_close(p, [0.8, 1.8])


def test_half_precision_gradients_are_refused():
    p = leaf([1.0], dtype=torch.float16)
    optimizer, scaler = torch.optim.SGD([p]), torch.amp.GradScaler("cpu")
    scaler.scale(p.sum()).backward()
    with pytest.raises(ValueError, match="Attempting to unscale FP16 gradients"):
        scaler.unscale_(optimizer)


def test_nested_outputs_are_scaled():
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    scaled = scaler.scale([leaf(1.0), (leaf(2.0), leaf(3.0))])
    assert_same(scaled, [2.0, (4.0, 6.0)])
    assert isinstance(scaled, list) and isinstance(scaled[1], tuple)
