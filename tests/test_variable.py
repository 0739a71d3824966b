"""Variable: the tutorial's programs as printed, the flag that gives way, ten old-style programs."""

import numpy as np
import pytest

from tests.subject import assert_close, assert_same, run_alone, torch

Variable = torch.autograd.Variable

# The tutorial's programs


def test_the_tutorials_program_with_requires_grad_runs_as_printed():
    output = run_alone("""
        a = torch.randn((5,5), requires_grad = True)
        x1 = torch.randn((5,5), requires_grad = True)
        x2 = torch.randn((5,5), requires_grad = True)
        x3 = torch.randn((5,5), requires_grad = True)
        x4 = torch.randn((5,5), requires_grad = True)
        b = x1*a
        c = x2*a
        d = x3*b + x4*c
        L = (10 -d).sum()
        L.backward()
        expected = -(x3 * x1 + x4 * x2)
        print(((a.grad - expected).abs() < 1e-5).sum().item(), list(x3.grad.shape))
        """)
    assert output == "25 [5, 5]\n"


@pytest.mark.ours_differs("in PyTorch 2.13 Variable(data) asks for no gradient")
def test_the_tutorials_program_with_variable_runs_as_printed():
    output = run_alone(f"""
        from {torch.__name__}.autograd import Variable
        x, prev_h = Variable(torch.randn(1, 10)), Variable(torch.randn(1, 20))
        W_h, W_x = Variable(torch.randn(20, 20)), Variable(torch.randn(20, 10))
        i2h = torch.matmul(W_x, x.t())
        h2h = torch.matmul(W_h, prev_h.t())
        (i2h + h2h).tanh().sum().backward()
        print([list(v.grad.shape) for v in (x, prev_h, W_h, W_x)])
        """)
    assert output == "[[1, 10], [1, 20], [20, 20], [20, 10]]\n"


# The flag


@pytest.mark.ours_differs("in PyTorch 2.13 Variable(data) asks for no gradient")
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "complex64"])
def test_a_variable_of_floating_or_complex_data_is_a_leaf_that_requires_grad(dtype):
    v = Variable(torch.ones(2, dtype=getattr(torch, dtype)))
    assert v.requires_grad and v.is_leaf
    (v * 3).sum().backward(torch.ones((), dtype=v.dtype))
    assert_same(v.grad.to(torch.complex64), [3 + 0j, 3 + 0j])


def test_a_variable_of_integers_does_not_require_grad():
    assert not Variable(torch.tensor([1, 2])).requires_grad
    assert not Variable(torch.tensor([True])).requires_grad


@pytest.mark.parametrize("flag", [True, False])
def test_an_explicit_flag_is_as_in_pytorch(flag):
    data = torch.tensor([1.0, 2.0])
    v = Variable(data, requires_grad=flag)
    assert v.requires_grad is flag and v.is_leaf and not data.requires_grad
    data.fill_(5)
    assert_same(v.detach(), [5.0, 5.0])


def test_an_explicit_flag_never_gives_way():
    v = Variable(torch.tensor([1.0, 2.0]), requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        v.add_(1)
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        v.numpy()
    assert v.requires_grad


def test_integers_cannot_be_asked_to_require_grad():
    with pytest.raises(RuntimeError, match="Tensors of floating point"):
        Variable(torch.tensor([1, 2]), requires_grad=True)


@pytest.mark.parametrize(
    "use",
    [
        lambda v: v.add_(1),
        lambda v: v.__setitem__(0, 5.0),
        lambda v: v[0].fill_(2.0),
        lambda v: v.view(2).mul_(2),
        lambda v: v.numpy(),
        lambda v: np.asarray(v),
        lambda v: torch.add(v, 1, out=v),
        lambda v: v.resize_(3),
    ],
)
def test_a_flag_that_nobody_asked_for_gives_way(use):
    v = Variable(torch.tensor([1.0, 2.0]))
    use(v)
    assert not v.requires_grad and v.is_leaf and v.grad is None


def test_a_write_with_a_graph_makes_a_variable_part_of_it():
    w = torch.tensor([2.0, 3.0], requires_grad=True)
    v = Variable(torch.zeros(2))
    v[0] = w[1] * 2
    assert v.requires_grad and not v.is_leaf
    v.sum().backward()
    assert_same(w.grad, [0.0, 2.0])


def test_a_flag_may_give_way_after_a_graph_was_recorded():
    w, v = torch.ones(2, requires_grad=True), Variable(torch.ones(2))
    y = w * 3 + v
    v.add_(1)
    y.sum().backward()
    assert not v.requires_grad
    assert_same([w.grad, v, y.detach()], [[3.0, 3.0], [2.0, 2.0], [4.0, 4.0]])


@pytest.mark.ours_differs("in PyTorch 2.13 Variable(data) asks for no gradient")
def test_asking_for_the_flag_later_makes_it_firm():
    v = Variable(torch.tensor([1.0, 2.0]))
    v.requires_grad_()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        v.add_(1)


def test_a_variable_is_a_tensor_and_a_tensor_is_a_variable():
    v = Variable(torch.ones(1))
    assert type(v) is torch.Tensor
    assert isinstance(v, Variable) and isinstance(torch.ones(1), Variable)
    assert not isinstance(1.0, Variable)


# Ten old-style programs; what they print was computed by PyTorch


def line_data():
    """Points near a line, without random numbers."""
    x = torch.arange(8.0).reshape(8, 1) / 8
    return x, x * 3 + 0.5 + (x * 20).sin() * 0.1


def linear_regression():
    """Weights that are updated through .data."""
    xs, ys = line_data()
    x, y = Variable(xs), Variable(ys)
    w = Variable(torch.zeros(1, 1), requires_grad=True)
    b = Variable(torch.zeros(1), requires_grad=True)
    for _ in range(50):
        loss = ((torch.mm(x, w) + b - y) ** 2).mean()
        loss.backward()
        w.data -= 0.3 * w.grad.data
        b.data -= 0.3 * b.grad.data
        w.grad.data.zero_()
        b.grad.data.zero_()
    return [loss.data.item(), w.data, b.data]


def two_layer_net():
    """The tutorial with one hidden layer and clamp for relu."""
    torch.manual_seed(0)
    x, y = Variable(torch.randn(4, 5)), Variable(torch.randn(4, 2))
    w1 = Variable(torch.randn(5, 6), requires_grad=True)
    w2 = Variable(torch.randn(6, 2), requires_grad=True)
    losses = []
    for _ in range(5):
        loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
        losses.append(loss.data.item())
        loss.backward()
        for w in (w1, w2):
            w.data.sub_(w.grad.data * 1e-3)
            w.grad.data.zero_()
    return losses


def logistic_regression():
    """A sigmoid and a loss written by hand."""
    xs, _ = line_data()
    x, target = Variable(xs - 0.5), Variable((xs > 0.4).float())
    w = Variable(torch.ones(1, 1), requires_grad=True)
    for _ in range(10):
        p = x.mm(w).sigmoid()
        loss = -(target * p.log() + (1 - target) * (1 - p).log()).mean()
        loss.backward()
        w.data.add_(w.grad.data * -2)
        w.grad = None
    return [loss.data.item(), w.data]


def sixty_minute_blitz():
    """The first autograd program of the old introduction."""
    x = Variable(torch.ones(2, 2), requires_grad=True)
    y = x + 2
    out = (y * y * 3).mean()
    out.backward()
    return [x.grad, y.data, out.data]


def doubling():
    """A loop whose length depends on values, and a gradient given."""
    x = Variable(torch.tensor([0.5, -1.0, 1.5]), requires_grad=True)
    y = x * 2
    while (y.data * y.data).sum().sqrt() < 1000:
        y = y * 2
    y.backward(torch.tensor([0.1, 1.0, 0.0001]))
    return [y.data, x.grad]


def recurrent_network():
    """Hidden state that is cut from its history by a new Variable."""
    torch.manual_seed(1)
    w_x = Variable(torch.randn(3, 3) * 0.5, requires_grad=True)
    w_h = Variable(torch.randn(3, 3) * 0.5, requires_grad=True)
    hidden, total = Variable(torch.zeros(1, 3)), 0.0
    for _ in range(2):
        hidden = Variable(hidden.data)
        for _ in range(3):
            hidden = torch.tanh(Variable(torch.randn(1, 3)).mm(w_x) + hidden.mm(w_h))
        loss = (hidden * hidden).sum()
        loss.backward()
        total += loss.data.item()
    return [total, w_x.grad, w_h.grad]


def input_changed_in_place():
    """Inputs that are filled and normalised in place before use."""
    x = Variable(torch.zeros(4))
    for i in range(4):
        x[i] = i + 1
    x.sub_(x.mean()).div_(2)
    w = Variable(torch.ones(4), requires_grad=True)
    (w * x).sum().backward()
    return [x.data, w.grad]


def outputs_collected_in_a_buffer():
    """Results written into a Variable of zeros."""
    w = Variable(torch.tensor([2.0]), requires_grad=True)
    states = Variable(torch.zeros(5, 1))
    state = Variable(torch.ones(1))
    for t in range(5):
        state = (state * w).tanh()
        states[t] = state
    states.sum().backward()
    return [states.data, w.grad]


def predictions_read_by_numpy():
    """Targets and predictions that end as arrays."""
    xs, ys = line_data()
    x, y = Variable(xs), Variable(ys)
    w = Variable(torch.full((1, 1), 3.0), requires_grad=True)
    prediction = x.mm(w)
    error = prediction.data.numpy() - y.numpy()
    ((prediction - y) ** 2).sum().backward()
    return [float(error.sum()), float(x.numpy().sum()), w.grad]


def classifier_with_hooks():
    """log_softmax, integer targets, and a hook that clips."""
    x = Variable(torch.arange(6.0).reshape(3, 2) - 2)
    target = Variable(torch.tensor([0, 2, 1]))
    w = Variable(torch.arange(6.0).reshape(2, 3) * 0.1, requires_grad=True)
    norms = []
    w.register_hook(lambda g: norms.append(g.data.abs().sum().item()))
    w.register_hook(lambda g: g.clamp(-0.5, 0.5))
    for _ in range(3):
        scores = torch.log_softmax(x.mm(w), 1)
        loss = -scores.gather(1, target.view(3, 1)).mean()
        loss.backward()
        w.data.sub_(w.grad.data)
        w.grad.data.zero_()
    return [loss.data.item(), w.data, norms]


PROGRAMS = {
    linear_regression: [0.011419689, [[2.6730711]], [0.64736408]],
    two_layer_net: [13.535844, 12.67167, 11.909629, 11.224209, 10.595773],
    logistic_regression: [0.43762779, [[2.748729]]],
    sixty_minute_blitz: [[[4.5, 4.5], [4.5, 4.5]], [[3.0, 3.0], [3.0, 3.0]], 27.0],
    doubling: [[512.0, -1024.0, 1536.0], [102.4, 1024.0, 0.1024]],
    recurrent_network: [
        1.3567213, [[0.93877292, -0.22686854, 0.44462818], [-0.0088828206, -0.28268498,
        0.1739395], [-0.68298411, 0.78278553, -0.93652982]], [[-0.1767555, 0.19807896,
        -0.47981116], [0.63744026, -0.41812828, 0.47420919], [-0.2506218, 0.24305862,
        -0.47190702]],
    ],
    input_changed_in_place: [[-0.75, -0.25, 0.25, 0.75], [-0.75, -0.25, 0.25, 0.75]],
    outputs_collected_in_a_buffer: [
        [[0.96402758], [0.9585759], [0.95768201], [0.9575336], [0.95750892]], [0.44538131],
    ],
    predictions_read_by_numpy: [-3.9641867, 3.5, [[-3.4014819]]],
    classifier_with_hooks: [
        0.42108086, [[-0.71418524, 0.76175696, 0.074856453], [-0.39933908, 0.77282101,
        0.63660455]], [2.7349713, 0.77989364, 0.42076513],
    ],
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_an_old_style_program_gives_pytorchs_results(program):
    assert_close(program(), PROGRAMS[program], rtol=2e-5, atol=1e-6)
