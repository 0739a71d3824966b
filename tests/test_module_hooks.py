"""Hooks of modules: in which order they run, what they are given, and what becomes of their answers."""

import pytest

import tapeless as torch
from tapeless import nn
from tapeless.nn.modules import module as all_modules


class Scaled(nn.Module):
    """x w k, with a keyword argument."""

    def __init__(self, log):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.log = log

    def forward(self, x, k=1.0):
        self.log.append("forward")
        return self.layer(x) * k


def test_hooks_run_in_pytorchs_order():
    log = []

    def note(name):
        return lambda *_: log.append(name)

    module = Scaled(log)
    handles = [
        module.register_forward_pre_hook(note("pre")),
        module.register_forward_pre_hook(note("pre with kwargs"), with_kwargs=True),
        module.register_forward_pre_hook(note("pre first"), prepend=True),
        module.register_forward_hook(note("post")),
        module.register_forward_hook(note("post first"), prepend=True),
        module.register_full_backward_hook(note("backward")),
        module.register_full_backward_hook(note("backward first"), prepend=True),
        module.register_full_backward_pre_hook(note("backward pre")),
    ]
    module(torch.ones(1, 2, requires_grad=True), k=2.0).sum().backward()
    assert log == [
        "pre first", "pre", "pre with kwargs", "forward", "post first", "post",
        "backward pre", "backward first", "backward",
    ]  # fmt: skip
    for handle in handles:
        handle.remove()
    log.clear()
    module(torch.ones(1, 2))
    assert log == ["forward"]


def test_hooks_for_all_modules_run_before_a_modules_own_and_inside_out():
    log = []
    module = Scaled(log)
    module.register_forward_hook(lambda *_: log.append("own"))
    with (
        all_modules.register_module_forward_pre_hook(lambda m, a: log.append("pre " + type(m).__name__)),
        all_modules.register_module_forward_hook(lambda m, a, o: log.append("post " + type(m).__name__)),
        all_modules.register_module_full_backward_hook(lambda m, i, o: log.append("back " + type(m).__name__)),
    ):
        module(torch.ones(1, 2, requires_grad=True)).sum().backward()
    assert log == [
        "pre Scaled", "forward", "pre Linear", "post Linear", "post Scaled", "own", "back Linear", "back Scaled",
    ]  # fmt: skip


def test_answers_replace_arguments_and_outputs():
    module = nn.Linear(2, 1)
    x = torch.ones(1, 2)
    plain = module(x)
    with module.register_forward_pre_hook(lambda m, args: args[0] * 2):
        assert torch.equal(module(x), module.forward(x * 2))
    with module.register_forward_hook(lambda m, args, out: out + 1):
        assert torch.equal(module(x), plain + 1)
    scaled = Scaled([])
    with scaled.register_forward_pre_hook(lambda m, args, kwargs: (args, {"k": 3.0}), with_kwargs=True):
        assert torch.equal(scaled(x), scaled.forward(x, k=3.0))
    with scaled.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True):
        with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple of"):
            scaled(x)


def test_backward_hooks_get_and_replace_gradients():
    module = nn.Linear(2, 1)
    x = torch.ones(1, 2, requires_grad=True)
    seen = []

    def tenfold(m, grad_input, grad_output):
        seen.append((grad_input[0].tolist(), grad_output[0].tolist()))
        return (grad_input[0] * 10,)

    with module.register_full_backward_hook(tenfold):
        (module(x) * 2).sum().backward()
    assert seen == [((module.weight * 2).tolist(), [[2.0]])]
    assert torch.equal(x.grad, module.weight * 20)
    module.zero_grad()
    with module.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 5,)):
        module(x).sum().backward()
    assert module.bias.grad.tolist() == [5.0]


def test_a_wrong_number_of_gradients_is_refused():
    module = nn.Linear(2, 1)
    module.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0], grad_input[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        module(torch.ones(1, 2, requires_grad=True)).sum().backward()


def test_arguments_that_are_no_tensors_have_no_gradients():
    class Pair(nn.Module):
        def forward(self, x, y, text):
            return x * 2, y * 3, text

    module, seen = Pair(), []
    module.register_full_backward_hook(lambda m, i, o: seen.append([x is None for x in (*i, *o)]))
    first, second, _ = module(torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True), "text")
    (first.sum() + second.sum()).backward()
    assert seen == [[False, False, True, False, False, True]]


def test_without_inputs_that_need_gradients_hooks_run_at_the_outputs_and_say_so():
    module, seen = nn.Linear(2, 1), []
    module.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, len(grad_output))))
    with pytest.warns(UserWarning, match="since no inputs require gradients"):
        module(torch.ones(1, 2)).sum().backward()
    assert seen == [((None,), 1)]
    with torch.no_grad():
        module(torch.ones(1, 2))


def test_both_kinds_of_backward_hooks_do_not_mix():
    module = nn.Linear(2, 1)
    module.register_full_backward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks"):
        module.register_backward_hook(lambda *_: None)


def test_the_old_backward_hook_warns_where_it_misses_gradients():
    module, seen = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), []
    module.register_backward_hook(lambda m, i, o: seen.append(len(o)))
    with pytest.warns(FutureWarning, match="when the forward contains multiple autograd Nodes"):
        module(torch.ones(1, 2)).sum().backward()
    assert seen == [1]


def test_hooks_that_are_always_called_run_after_an_exception_once():
    class Failing(nn.Module):
        def forward(self, x):
            raise ValueError("bad")

    module, log = Failing(), []
    module.register_forward_hook(lambda *_: log.append("normal"))
    module.register_forward_hook(lambda m, args, out: log.append(("always", out)), always_call=True)

    def raising(*_):
        raise RuntimeError("in the hook")

    module.register_forward_hook(raising, always_call=True)
    with pytest.warns(UserWarning, match="silenced as another error was raised in forward: in the hook"):
        with pytest.raises(ValueError, match="bad"):
            module(1)
    assert log == [("always", None)]


def test_registration_hooks_see_every_module():
    seen = []
    with (
        all_modules.register_module_parameter_registration_hook(lambda m, name, p: seen.append(name)),
        all_modules.register_module_buffer_registration_hook(lambda m, name, b: seen.append(name)),
        all_modules.register_module_module_registration_hook(lambda m, name, c: seen.append(name)),
    ):
        nn.Sequential(nn.BatchNorm1d(1, affine=False), nn.Linear(1, 1, bias=False))
    assert [name for name in seen if name not in ("weight", "bias")] == [
        "running_mean", "running_var", "num_batches_tracked", "0", "1",
    ]  # fmt: skip


def test_a_class_that_is_called_by_other_ways_keeps_its_hooks():
    module, log = nn.ReLU(), []
    module.register_forward_hook(lambda *_: log.append("post"))
    module.compile()
    module(torch.ones(1))
    assert log == ["post"]
