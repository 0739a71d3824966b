"""Optimizers: their steps' numbers, groups, hooks, checkpoints and errors are PyTorch's."""

import copy
import math
import pickle

import pytest

from tests.subject import IS_PYTORCH, assert_close, assert_same, leaf, torch, values

ALL = "Adadelta Adafactor Adagrad Adam AdamW Adamax ASGD LBFGS NAdam RAdam RMSprop Rprop SGD".split()
DIFFERENTIABLE = "Adadelta Adagrad Adam AdamW ASGD NAdam RAdam RMSprop SGD".split()
DIFFERENTIABLE.append(pytest.param("Adamax", marks=pytest.mark.ours_differs("PyTorch overwrites what it needs")))


def trained(name, steps=3, start=(1.0, -2.0), dtype=None, **options):
    p = leaf(list(start), dtype=dtype)
    optimizer = getattr(torch.optim, name)([p], **options)
    for _ in range(steps):

        def closure():
            optimizer.zero_grad()
            loss = (p**2 * torch.tensor([1.0, 3.0], dtype=p.dtype)).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
    return p, optimizer


# Three steps from (1, -2) along the gradient of x² + 3y², as PyTorch 2.13.0 makes them in float64.
FACTS = {
    "Adadelta": [0.990309045658058, -1.9903007496657101],
    "Adafactor": [0.9533273771943804, -1.9531689779240413],
    "Adagrad": [0.9772379394905167, -1.9771965108244347],
    "Adam": [0.9970000960651408, -1.997000047892272],
    "AdamW": [0.9969701273303954, -1.9969400794524141],
    "Adamax": [0.9940003883291125, -1.9939971905391662],
    "ASGD": [0.9411891630262836, -1.6611629425191856],
    "LBFGS": [-4.6544143039728425e-07, -2.8486931884022515e-06],
    "NAdam": [0.994858914486896, -1.9948571021909673],
    "RAdam": [0.9940063841522626, -1.9641148588075352],
    "RMSprop": [0.7799822732436351, -1.7753494426029548],
    "Rprop": [0.9636, -1.9636],
    "SGD": [0.994011992, -1.964215568],
}


def fact(name, **options):
    return values(trained(name, dtype=torch.float64, **options)[0])


@pytest.mark.parametrize("name", ALL)
def test_three_steps_end_where_pytorch_ends(name):
    assert_close(fact(name), FACTS[name], rtol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_every_optimizer_lowers_a_bowl(name):
    p, _ = trained(name, steps=60, lr=0.5 if name in ("LBFGS", "Adadelta") else 0.05)
    assert float((p.detach() ** 2).sum()) < 5.0


@pytest.mark.parametrize("name", ALL)
def test_a_copy_goes_on_alike(name):
    p, optimizer = trained(name)
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        q = twin.param_groups[0]["params"][0]
        assert q is not p
        assert_same(q, p)
        for x, o in ((p.detach().clone().requires_grad_(), optimizer), (q, twin)):
            assert o.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
            assert x.requires_grad


@pytest.mark.parametrize("name", ALL)
def test_a_state_dict_goes_on_where_it_was_taken(name):
    whole, _ = trained(name, steps=5)
    half, optimizer = trained(name, steps=3)
    saved = copy.deepcopy(optimizer.state_dict())
    p = half.detach().clone().requires_grad_()
    fresh = getattr(torch.optim, name)([p])
    fresh.load_state_dict(saved)

    def closure():
        fresh.zero_grad()
        loss = (p**2 * torch.tensor([1.0, 3.0])).sum()
        loss.backward()
        return loss

    for _ in range(2):
        fresh.step(closure)
    assert_close(p, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in ALL if n != "LBFGS"])
def test_maximize_is_a_step_by_the_negative_gradient(name):
    p, q = leaf([1.0, -2.0]), leaf([1.0, -2.0])
    p.grad, q.grad = torch.tensor([0.5, 0.25]), torch.tensor([-0.5, -0.25])
    getattr(torch.optim, name)([p], maximize=True).step()
    getattr(torch.optim, name)([q]).step()
    assert_same(p, q)


@pytest.mark.parametrize("name", [n for n in ALL if n not in ("LBFGS", "Adafactor")])
def test_a_complex_parameter_steps_as_two_reals(name):
    z, pair = leaf([1.0 + 2.0j]), leaf([[1.0, 2.0]])
    for _ in range(2):
        z.grad, pair.grad = torch.tensor([0.5 - 0.25j]), torch.tensor([[0.5, -0.25]])
        for p in (z, pair):
            optimizer = getattr(torch.optim, name)([p], lr=0.1)
            optimizer.step()
    assert_close(torch.view_as_real(z.detach()), pair)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_step_can_be_differentiated(name):
    def after(gradient):
        p = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True).clone()
        p.grad = gradient
        optimizer = getattr(torch.optim, name)([p], lr=0.1, differentiable=True)
        optimizer.step()
        p.grad = gradient * 0.5
        optimizer.step()
        return (p**2).sum()

    g = leaf([0.3, 0.4], dtype=torch.float64)
    after(g).backward()
    with torch.no_grad():
        h = 1e-6
        shifts = [torch.tensor(d, dtype=torch.float64) for d in ([h, 0.0], [0.0, h])]
        expected = [float(after(g.detach() + d) - after(g.detach() - d)) / (2 * h) for d in shifts]
    assert_close(g.grad, expected, rtol=1e-4, atol=1e-6)


def test_a_learning_rate_can_be_learned():
    lr = leaf(0.1)
    p = leaf([1.0]).clone()
    p.grad = torch.tensor([3.0])
    torch.optim.SGD([p], lr=lr, differentiable=True).step()
    p.sum().backward()
    assert_same(lr.grad, -3.0)


def test_groups_have_their_own_options():
    x, y = leaf([1.0]), leaf([1.0])
    optimizer = torch.optim.SGD([{"params": [x]}, {"params": y, "lr": 0.5}], lr=0.1)
    x.grad, y.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    assert_close([x, y], [[0.9], [0.5]])
    z = leaf([1.0])
    optimizer.add_param_group({"params": [z], "lr": 1.0})
    z.grad = torch.ones(1)
    optimizer.step()
    assert_close([x, y, z], [[0.8], [0.0], [0.0]])


def test_names_of_parameters_are_kept():
    optimizer = torch.optim.Adam([("weight", leaf([1.0])), ("bias", leaf([2.0]))])
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]


def test_the_state_of_adam_is_laid_out_as_pytorchs():
    _, optimizer = trained("Adam", steps=2, amsgrad=True, dtype=torch.float64)
    state = optimizer.state_dict()["state"][0]
    assert list(state) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert state["step"].dtype == torch.float32 and state["step"].item() == 2.0
    assert state["exp_avg"].dtype == torch.float64


def test_sgd_without_momentum_has_no_state():
    assert trained("SGD")[1].state_dict()["state"] == {}


def test_loaded_state_takes_the_parameters_dtype():
    _, optimizer = trained("Adam")
    other = torch.optim.Adam([leaf([1.0, 2.0], dtype=torch.float64)])
    other.load_state_dict(optimizer.state_dict())
    state = next(iter(other.state.values()))
    assert state["exp_avg"].dtype == torch.float64 and state["step"].dtype == torch.float32


def test_hooks_run_around_steps_and_checkpoints():
    seen = []
    p, optimizer = leaf([1.0]), None
    optimizer = torch.optim.SGD([p], lr=0.1)
    handles = [
        optimizer.register_step_pre_hook(lambda o, a, k: seen.append("before")),
        optimizer.register_step_post_hook(lambda o, a, k: seen.append("after")),
        optimizer.register_state_dict_pre_hook(lambda o: seen.append("saving")),
        optimizer.register_state_dict_post_hook(lambda o, s: {**s, "note": 1}),
        optimizer.register_load_state_dict_pre_hook(lambda o, s: seen.append(f"note {s['note']}")),
        optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded")),
    ]
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == ["before", "after", "saving", "note 1", "loaded"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 5


def test_global_hooks_run_for_every_optimizer():
    from importlib import import_module

    module, seen = import_module(torch.__name__ + ".optim.optimizer"), []
    handle = module.register_optimizer_step_pre_hook(lambda o, a, k: seen.append(type(o).__name__))
    trained("SGD", steps=1)
    trained("Adam", steps=1)
    handle.remove()
    trained("Adam", steps=1)
    assert seen == ["SGD", "Adam"]


def test_a_subclass_steps_with_its_own_formula():
    class Plain(torch.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["count"] = self.state[p].get("count", 0) + 1
                    p.add_(p.grad, alpha=-group["lr"])

    p, seen = leaf([1.0]), []
    optimizer = Plain([p], 0.5)
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    p.grad = torch.ones(1)
    optimizer.step()
    assert values(p) == [0.5] and seen == [1]
    assert optimizer.state_dict() == {"state": {0: {"count": 1}}, "param_groups": [{"lr": 0.5, "params": [0]}]}


def test_zero_grad_forgets_or_fills():
    p = leaf([1.0])
    optimizer = torch.optim.SGD([p])
    p.grad = grad = torch.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is grad and values(grad) == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_a_closure_is_called_with_gradients_and_its_loss_returned():
    p = leaf([3.0])
    optimizer = torch.optim.SGD([p], lr=0.1)

    def closure():
        assert torch.is_grad_enabled()
        (p**2).sum().backward()
        return 7

    with torch.no_grad():
        assert optimizer.step(closure) == 7
    assert_close(p, [2.4])


def test_lbfgs_finds_the_valley_of_rosenbrock():
    p = leaf([-1.2, 1.0], dtype=torch.float64)
    optimizer = torch.optim.LBFGS([p], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    assert_close(p, [1.0, 1.0], rtol=1e-4)
    state = optimizer.state_dict()["state"][0]
    assert (state["n_iter"], state["func_evals"]) == (35, 43)


def test_muon_steps_along_an_orthogonal_matrix():
    p = torch.zeros(3, 5, requires_grad=True)
    p.grad = torch.tensor([[3.0, 1, 0, 0, 2], [0, 2.0, 1, 0, 0], [1, 0, 0, 4.0, 0]])
    torch.optim.Muon([p], lr=1.0, momentum=0.0, weight_decay=0.0).step()
    gram = p.detach() @ p.detach().T
    assert all(0.4 < float(gram[i, i]) < 1.5 for i in range(3))
    assert all(abs(float(gram[i, j])) < 0.35 for i in range(3) for j in range(i))


def test_repr_lists_the_options():
    text = repr(torch.optim.SGD([leaf([1.0])], lr=0.25))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n")
    assert "    lr: 0.25\n" in text and text.endswith("    weight_decay: 0\n)")


P = leaf([1.0])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: torch.optim.SGD([]), ValueError, "optimizer got an empty parameter list"),
        (lambda: torch.optim.SGD(P), TypeError, "should be an iterable of Tensors or dicts, but got"),
        (lambda: torch.optim.SGD([1]), TypeError, "optimizer can only optimize Tensors, but one of the params is int"),
        (lambda: torch.optim.SGD([P * 2]), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: torch.optim.SGD([{"params": {P}}]), TypeError, "need to be organized in ordered collections"),
        (lambda: torch.optim.SGD([{"params": [P]}, {"params": [P]}]), ValueError, "more than one parameter group"),
        (lambda: torch.optim.SGD([("x", P), leaf([1.0])]), ValueError, "Some param names are missing"),
        (lambda: torch.optim.SGD([P, P]), UserWarning, "duplicate parameters"),
        (lambda: torch.optim.SGD([P], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda: torch.optim.SGD([P], nesterov=True), ValueError, "Nesterov momentum requires a momentum"),
        (lambda: torch.optim.Adam([P], betas=(0.9, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
        (lambda: torch.optim.Muon([P]), ValueError, "Muon only supports 2D parameters"),
        (lambda: torch.optim.Optimizer([P], {}).step(), NotImplementedError, "^"),
    ],
)
def test_what_is_wrong_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_missing_required_option_is_named():
    from importlib import import_module

    required = import_module(torch.__name__ + ".optim.optimizer").required
    with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter lr"):
        torch.optim.Optimizer([P], {"lr": required})


def test_a_state_dict_of_another_model_is_refused():
    optimizer = torch.optim.SGD([leaf([1.0])])
    with pytest.raises(ValueError, match="different number of parameter groups"):
        optimizer.load_state_dict({"state": {}, "param_groups": []})
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        optimizer.load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})


@pytest.mark.skipif(IS_PYTORCH, reason="PyTorch has sparse tensors")
def test_sparse_adam_says_what_to_use():
    with pytest.raises(RuntimeError, match="use torch.optim.Adam"):
        torch.optim.SparseAdam([P])


def test_a_functional_step_writes_into_its_lists():
    from importlib import import_module

    adam = import_module(torch.__name__ + ".optim.adam").adam
    p, m, v, step = torch.ones(2), torch.zeros(2), torch.zeros(2), torch.tensor(0.0)
    options = {"amsgrad": False, "beta1": 0.9, "beta2": 0.999, "lr": 0.1, "weight_decay": 0.0, "eps": 1e-8}
    adam([p], [torch.tensor([1.0, -2.0])], [m], [v], [], [step], maximize=False, **options)
    assert_close([p, m, v], [[0.9, 1.1], [0.1, -0.2], [0.001, 0.004]])
    assert step.item() == 1.0 and math.isclose(float(m[0]), 0.1, rel_tol=1e-6)


def test_helpers_that_other_packages_import_work():
    from importlib import import_module

    module = import_module(torch.__name__ + ".optim.optimizer")
    params, grads = [torch.ones(2), torch.ones(2, dtype=torch.complex64)], [torch.zeros(2), torch.tensor([1j, 2.0])]
    module._view_as_real(params, grads)
    assert [tuple(p.shape) for p in params] == [(2,), (2, 2)]
    assert_same(grads[1], [[0.0, 1.0], [2.0, 0.0]])
    assert module._get_value(torch.tensor(2.0)) == 2.0 and module._get_value(3) == 3
    assert module._default_to_fused_or_foreach(params, False) == (False, False)
    assert module._get_scalar_dtype() == torch.float32
    groups = torch.optim.Optimizer._group_tensors_by_device_and_dtype([params, grads])
    assert [len(lists[0]) for lists, _ in groups.values()] == [2]


def test_an_optimizer_steps_for_a_while_with_other_parameters():
    p, optimizer = trained("Adam", steps=1, lr=0.1)
    other = leaf([5.0, 5.0])
    saved = copy.deepcopy(optimizer.state_dict())
    saved["param_groups"][0]["lr"] = 1.0
    before = values(p)
    other.grad = torch.ones(2)
    with torch.optim.swap_in_optimizer_params_and_state(optimizer, {"p": other}, saved):
        assert optimizer.param_groups[0]["params"][0] is other
        optimizer.step()
    assert values(p) == before and optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.state[p]["step"].item() == 1.0 and saved["state"][0]["step"].item() == 2.0
    assert float(other.detach()[0]) < 4.9
    with pytest.raises(RuntimeError, match="match optimizer.param_groups ordering"):
        with torch.optim.swap_in_optimizer_params_and_state(optimizer, {}, saved):
            pass
