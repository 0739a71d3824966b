"""utils.checkpoint: the same gradients from values computed again, with the same random numbers."""

import pytest

import tapeless as torch
from tapeless.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential

BOTH = pytest.mark.parametrize("reentrant", [True, False])


def gradients(run):
    torch.manual_seed(3)
    x = torch.linspace(-1, 1, 6).requires_grad_()
    w = torch.linspace(1, 2, 6).requires_grad_()
    run(x, w).sum().backward()
    return x.grad, w.grad


def work(x, w):
    return torch.nn.functional.dropout((x * w).sin().exp(), 0.5) * x


@BOTH
def test_gradients_are_the_same(reentrant):
    ours = gradients(lambda x, w: checkpoint(work, x, w, use_reentrant=reentrant) * 2)
    assert all(torch.equal(a, b) for a, b in zip(ours, gradients(lambda x, w: work(x, w) * 2), strict=True))


@BOTH
def test_the_function_runs_again_in_backward(reentrant):
    calls = []

    def counted(x):
        calls.append(torch.is_grad_enabled())
        return x.exp().sin()

    x = torch.ones(2, requires_grad=True)
    y = checkpoint(counted, x, use_reentrant=reentrant)
    assert len(calls) == 1
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert len(calls) == 3 and calls[1:] == [True, True]


def test_keywords_nested_results_and_captured_tensors_work():
    w = torch.full((2,), 3.0, requires_grad=True)
    x = torch.ones(2, requires_grad=True)

    def function(x, *, scale):
        return {"y": [(x * w * scale).exp().log()]}

    checkpoint(function, x, scale=2.0, use_reentrant=False)["y"][0].sum().backward()
    assert x.grad.tolist() == pytest.approx([6.0, 6.0]) and w.grad.tolist() == pytest.approx([2.0, 2.0])


def test_a_checkpoint_inside_of_one_works():
    def inner(x):
        return x.sin().exp()

    def outer(x):
        return checkpoint(inner, x.cos(), use_reentrant=False).tanh()

    x, y = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    checkpoint(outer, x, use_reentrant=False).sum().backward()
    inner(y.cos()).tanh().sum().backward()
    assert torch.equal(x.grad, y.grad)


def test_a_sequence_in_segments():
    steps = [torch.sin, torch.exp, torch.cos, torch.tanh, torch.sigmoid]
    x, y = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    checkpoint_sequential(steps, 2, x, use_reentrant=False).sum().backward()
    y.sin().exp().cos().tanh().sigmoid().sum().backward()
    assert torch.equal(x.grad, y.grad)


def test_another_second_run_is_an_error():
    runs = []

    def changing(x):
        runs.append(1)
        return x.exp() if len(runs) == 1 else x[:1].exp()

    x = torch.ones(2, requires_grad=True)
    y = checkpoint(changing, x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="different metadata"):
        y.sum().backward()


def test_the_default_warns_and_is_the_reentrant_way():
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        y = checkpoint(torch.exp, x)
    assert type(y.grad_fn).__name__ == "CheckpointFunctionBackward"
    with pytest.raises(ValueError, match="Unexpected keyword arguments: a"):
        checkpoint(torch.exp, x, use_reentrant=True, a=1)


def test_only_known_checks_of_the_second_run_are_taken():
    with pytest.raises(ValueError, match=r"determinism_check should be one of \['default', 'none'\], but got odd"):
        checkpoint(torch.exp, torch.ones(2), use_reentrant=False, determinism_check="odd")


def test_a_second_run_of_another_dtype_passes_where_no_check_is_wanted():
    runs = []

    def changing(x):
        runs.append(1)
        return x.exp() if len(runs) == 1 else x.double().exp()

    x = torch.zeros(2, requires_grad=True)
    checkpoint(changing, x, use_reentrant=False, determinism_check="none").sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
