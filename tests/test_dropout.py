"""Dropout: PyTorch's draws, its order over strided memory, in-place forms, refusals."""

import pytest

from tests.subject import assert_close, assert_same, torch

F = torch.nn.functional


def test_draws_are_those_of_bernoulli():
    x = torch.ones(1000)
    torch.manual_seed(3)
    out = F.dropout(x, 0.3)
    torch.manual_seed(3)
    kept = torch.empty(1000).bernoulli_(0.7)
    assert_same(out != 0, kept != 0)
    assert_close(out[out != 0].mean(), 1 / 0.7)


def test_known_numbers_of_pytorch():
    torch.manual_seed(0)
    assert_close(F.dropout(torch.ones(4, 3).t(), 0.3)[0], [0.0, 0.0, 1.4285714, 1.4285714])
    torch.manual_seed(0)
    assert_close(F.alpha_dropout(torch.ones(4), 0.3, True), [-1.0595483, -1.0595483, 1.3150446, -1.0595483], rtol=1e-5)


def test_features_are_dropped_whole():
    torch.manual_seed(0)
    for out in (
        F.dropout1d(torch.ones(4, 8, 5)),
        F.dropout2d(torch.ones(4, 8, 5, 2)),
        F.dropout3d(torch.ones(8, 2, 2, 2)),
    ):
        flat = out.reshape(-1, out.shape[-1]) if out.dim() == 3 else out.flatten(-2)
        assert ((flat == 0) == (flat[..., :1] == 0)).all()
        assert set(out.reshape(-1).tolist()) == {0.0, 2.0}


def test_gradient_passes_where_elements_were_kept():
    x = torch.ones(100, requires_grad=True)
    out = F.dropout(x, 0.5)
    out.backward(torch.ones(100))
    assert_same(x.grad, out)
    out, kept = torch.native_dropout(x, 0.5, True)
    assert out.grad_fn.name() == "NativeDropoutBackward0" and kept.dtype is torch.bool
    (g,) = torch.autograd.grad(out, x, torch.ones(100))
    assert_same(g, kept * 2.0)


def test_nothing_happens_outside_of_training_and_in_place_writes():
    x = torch.ones(10)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x
    assert_same(F.dropout(x, 1.0), torch.zeros(10))
    assert F.dropout(x, 0.5, inplace=True) is x
    assert set(x.tolist()) <= {0.0, 2.0}
    y = torch.ones(3, 4)
    assert F.dropout1d(y, 0.5, inplace=True) is y and y.shape == (3, 4)


def test_bad_calls_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1, but got 1.5"):
        F.dropout(torch.ones(3), 1.5)
    with pytest.raises(RuntimeError, match="can't be cast"):
        F.dropout(torch.ones(3, dtype=torch.int64))
    with pytest.raises(RuntimeError, match="Expected 2D or 3D input"):
        F.dropout1d(torch.ones(3))
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        torch.feature_dropout(torch.ones(3), 0.5, True)
    with pytest.warns(UserWarning, match="Received a 2-D input to dropout2d"):
        F.dropout2d(torch.ones(3, 4))
