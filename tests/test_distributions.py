"""Draws of every distribution are PyTorch's numbers for the same seed, and its generators' states go around."""

import copy
import math
import pickle

import pytest

from tests.subject import assert_close, assert_same, leaf, torch, values

SEED = 12345

# What PyTorch 2.13 gives after manual_seed(SEED); of long results the end, which is drawn last.
NUMBERS = {
    "torch.poisson(torch.linspace(0, 9, 6))": [0.0, 6.0, 5.0, 6.0, 9.0, 8.0],
    "torch.poisson(torch.linspace(8, 90, 6, dtype=torch.float64))": [15.0, 24.0, 43.0, 64.0, 77.0, 87.0],
    "torch.poisson(torch.full((17,), 30.0))[11:]": [32.0, 36.0, 28.0, 23.0, 26.0, 28.0],
    "torch.poisson(torch.full((6,), 4.0, dtype=torch.bfloat16))": [10.0, 5.0, 2.0, 6.0, 2.0, 4.0],
    "torch.binomial(torch.full((6,), 10.0), torch.linspace(0.05, 0.95, 6))": [2.0, 4.0, 4.0, 5.0, 8.0, 9.0],
    "torch.binomial(torch.full((6,), 1000.0, dtype=torch.float64), torch.linspace(0, 1, 6, dtype=torch.float64))": [
        0.0, 208.0, 392.0, 587.0, 807.0, 1000.0
    ],
    "torch._standard_gamma(torch.tensor([0.1, 0.5, 1.0, 2.5, 30.0]))": [
        1.2061218690462283e-08, 0.05846038833260536, 0.23566307127475739, 4.929897308349609,
        25.9420166015625
    ],
    "torch._standard_gamma(torch.tensor([0.1, 0.5, 1.0, 2.5, 30.0], dtype=torch.float64))": [
        1.2061219058906203e-08, 0.058460392092841, 0.2356630817125169, 4.9298973858766635,
        25.942016808758197
    ],
    "torch._sample_dirichlet(torch.tensor([[0.2, 1.0, 3.0], [9.0, 9.0, 0.1]]))": [
        [8.094942313618958e-05, 0.12735386192798615, 0.8725652098655701], [0.5039514899253845,
        0.48840850591659546, 0.007639978546649218]
    ],
    "torch.multinomial(torch.tensor([1.0, 2.0, 3.0, 4.0]), 4)": [2, 3, 1, 0],
    "torch.multinomial(torch.tensor([[1.0, 2.0, 3.0, 4.0], [9.0, 0.0, 1.0, 0.0]]), 1)": [[2], [0]],
    "torch.multinomial(torch.tensor([1.0, 2.0, 3.0, 4.0]), 10, replacement=True)": [
        3, 3, 3, 3, 3, 3, 2, 3, 3, 2
    ],
    "torch.multinomial(torch.tensor([1.0, 2.0, 0.0, 4.0], dtype=torch.float16), 8, True)": [
        3, 3, 3, 3, 3, 3, 1, 3
    ],
    "torch.zeros(5).exponential_(1.7)": [
        1.1308292150497437, 1.6276278495788574, 0.6445877552032471, 1.6496047973632812, 0.7098963260650635
    ],
    "torch.zeros(17, dtype=torch.float64).exponential_()[12:]": [
        0.19751975559280954, 6.258397483892968, 1.3672635116205927, 0.4006252312597276, 0.6853876640006568
    ],
    "torch.zeros(5, dtype=torch.bfloat16).exponential_()": [1.921875, 2.765625, 1.09375, 2.796875, 1.203125],
    "torch.zeros(5, dtype=torch.int64).geometric_(0.1)": [2, 1, 4, 1, 4],
    "torch.zeros(17).geometric_(0.3)[12:]": [5.0, 1.0, 1.0, 4.0, 2.0],
    "torch.zeros(4).log_normal_(0.5, 0.3)": [
        2.529797077178955, 0.9407980442047119, 1.1515822410583496, 0.8929851055145264
    ],
    "torch.zeros(17, dtype=torch.float16).log_normal_()[13:]": [
        1616.0, 2.576171875, 0.4541015625, 0.67333984375
    ],
    "torch.zeros(4).cauchy_(1, 2)": [
        5.04211950302124, 10.996837615966797, 2.1468470096588135, 11.387279510498047
    ],
    "torch.zeros(17, dtype=torch.float64).cauchy_()[14:]": [
        0.9702665667026096, -0.5909789369693931, -0.0122366422574936
    ],
    "torch.zeros(2, 6)[:, ::2].normal_(1.5, 0.7)": [
        [2.4989912509918213, 0.1909375637769699, 0.6626527309417725], [0.06923406571149826,
        1.1808066368103027, 0.4993846118450165]
    ],
    "torch.zeros(3, 2).t().uniform_(-3, 7.5)": [
        [7.308041095733643, 7.417506217956543, -2.126232624053955], [6.23586893081665, 1.8412061929702759,
        -1.1264735460281372]
    ],
    "torch.zeros(4, dtype=torch.float64).random_(-(2**40), 2**45)": [
        8671067188709.0, 16617789851777.0, 13898684935593.0, 18686657253758.0
    ],
    "torch.zeros(6, dtype=torch.int8).random_()": [98, 101, 29, 1, 36, 41],
    "torch.zeros(4, dtype=torch.bfloat16).random_()": [159.0, 182.0, 206.0, 206.0],
    "torch.zeros(8, dtype=torch.int64).bernoulli_(torch.linspace(0, 1, 8))": [0, 0, 0, 0, 1, 1, 1, 1],
    "torch.normal(torch.arange(3.0), torch.tensor([0.5, 1.0, 2.0]))": [
        0.7135652303695679, -0.8700891733169556, -0.39242076873779297
    ],
    "torch.normal(torch.arange(3.0, dtype=torch.float64), 2.5)": [
        3.567826090301786, -3.6752229695215703, -0.9905259882278363
    ],
    "torch.normal(1.5, torch.tensor([0.5, 1.0, 2.0]))": [
        2.2135653495788574, -0.37008917331695557, -0.892420768737793
    ],
    "torch.normal(1.5, 2.0, (4,), dtype=torch.float64)": [
        4.354260872241429, -2.2401783756172566, -0.892420790582269, -2.5879026635073483
    ],
    "torch.randperm(6, dtype=torch.int32)": [0, 2, 3, 1, 4, 5],
    "torch.randperm(6, dtype=torch.float64)": [0.0, 2.0, 3.0, 1.0, 4.0, 5.0],
}  # fmt: skip


@pytest.mark.parametrize("call", NUMBERS)
def test_numbers_after_manual_seed(call):
    torch.manual_seed(SEED)
    x = eval(call)  # The table above is the only source of what is evaluated.
    if x.dtype in (torch.float32, torch.float64) and "poisson" not in call and "binomial" not in call:
        bound = 1e-6 if x.dtype == torch.float32 else 1e-14  # The last bit of log, exp and cos is the library's.
        assert_close(x, NUMBERS[call], rtol=bound, atol=bound)
    else:
        assert_same(x, NUMBERS[call])


DRAWS = {
    "uniform_": lambda x, g: x.uniform_(generator=g),
    "normal_": lambda x, g: x.normal_(generator=g),
    "exponential_": lambda x, g: x.exponential_(generator=g),
    "geometric_": lambda x, g: x.geometric_(0.5, generator=g),
    "log_normal_": lambda x, g: x.log_normal_(generator=g),
    "cauchy_": lambda x, g: x.cauchy_(generator=g),
    "random_": lambda x, g: x.random_(0, 100, generator=g),
    "bernoulli_": lambda x, g: x.bernoulli_(generator=g),
    "bernoulli": lambda x, g: torch.bernoulli(x + 0.5, generator=g),
    "poisson": lambda x, g: torch.poisson(x + 5, generator=g),
    "binomial": lambda x, g: torch.binomial(x + 20, x + 0.6, generator=g),
    "_standard_gamma": lambda x, g: torch._standard_gamma(x + 0.7, generator=g),
    "_sample_dirichlet": lambda x, g: torch._sample_dirichlet(x + 0.7, generator=g),
    "multinomial": lambda x, g: torch.multinomial(x + 1, 3, generator=g),
    "multinomial, replaced": lambda x, g: torch.multinomial(x + 1, 30, True, generator=g),
    "normal": lambda x, g: torch.normal(x, x + 1, generator=g),
    "normal around": lambda x, g: torch.normal(x, 2.0, generator=g),
    "normal with": lambda x, g: torch.normal(2.0, x + 1, generator=g),
    "randperm": lambda x, g: torch.randperm(len(x), generator=g),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
@pytest.mark.parametrize("length", [3, 15, 16, 37])
def test_a_generator_of_its_own_has_a_stream_of_its_own(draw, length):
    def drawn(generator):
        return values(draw(torch.zeros(length), generator))

    generator = torch.Generator()
    generator.manual_seed(SEED)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = drawn(generator)
    assert values(torch.get_rng_state()) == values(state)
    assert drawn(generator) != first or len(first) < 4
    torch.manual_seed(SEED)
    assert drawn(None) == first


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_states_go_around_with_the_normal_that_waits(kept):
    generator = torch.Generator()
    generator.manual_seed(SEED)
    torch.zeros(kept).normal_(generator=generator)
    state, twin = generator.get_state(), generator.clone_state()
    following = values(torch.zeros(5).normal_(generator=generator))
    assert values(torch.zeros(5).normal_(generator=twin)) == following
    generator.set_state(state)
    assert values(torch.zeros(5).normal_(generator=generator)) == following
    assert values(twin.get_state()) == values(generator.get_state())
    assert generator.initial_seed() == twin.initial_seed() == SEED
    with pytest.raises(RuntimeError, match="Expected a CPUGeneratorImplState of size 5056"):
        generator.set_state(state[:10])
    with pytest.raises(RuntimeError, match="manual_seed expected a long, but got str"):
        generator.manual_seed("1")


def test_draws_follow_memory_whatever_the_strides():
    torch.manual_seed(SEED)
    plain = torch.empty(4, 5).exponential_()
    torch.manual_seed(SEED)
    turned = torch.empty(5, 4).t().exponential_()
    assert values(turned) != values(plain) and values(turned.t().flatten()) == values(plain.flatten())
    rates = torch.tensor([[1.0, 2.0], [30.0, 40.0]])
    torch.manual_seed(SEED)
    counts = torch.poisson(rates)
    torch.manual_seed(SEED)
    assert values(torch.poisson(rates.t().contiguous().t())) == values(counts)


def test_refused():
    x = torch.tensor([0.5])
    for draw, message in [
        (lambda: torch.poisson(-x), "invalid Poisson rate"),
        (lambda: torch.multinomial(x, 2), "without replacement"),
        (lambda: torch.multinomial(x, 0), "n_sample <= 0"),
        (lambda: torch.multinomial(x - 0.5, 1), "sum of probabilities <= 0"),
        (lambda: torch.multinomial(-x, 1), "element < 0"),
        (lambda: torch.multinomial(-x, 2, True), "probability entry < 0"),
        (lambda: torch.multinomial(x.reshape(1, 1, 1), 1), "must be 1 or 2 dim"),
        (lambda: torch.binomial(x, x.to(torch.float64)), "Found dtype Double but expected Float"),
        (lambda: torch.multinomial(x, 1, out=torch.empty(1)), "expects Long tensor out"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            draw()
    for draw in (
        lambda: torch.poisson(torch.tensor([1])),
        lambda: torch._standard_gamma(x.to(torch.float16)),
        lambda: torch.zeros(2, dtype=torch.bool).geometric_(0.5),
    ):
        with pytest.raises(NotImplementedError, match="not implemented for"):
            draw()


def test_shares_are_those_of_the_distribution():
    torch.manual_seed(SEED)
    weights = torch.tensor([1.0, 0.0, 3.0])
    drawn = torch.multinomial(weights.expand(20000, 3), 1)
    assert abs((drawn == 2).to(torch.float64).mean().item() - 0.75) < 0.02 and not (drawn == 1).any()
    for count, p in [(20.0, 0.3), (500.0, 0.7)]:
        x = torch.binomial(torch.full((20000,), count), torch.full((20000,), p))
        assert abs(x.mean().item() - count * p) < 0.05 * math.sqrt(count)
    for shape in (0.3, 4.0):
        x = torch._standard_gamma(torch.full((20000,), shape, dtype=torch.float64))
        assert abs(x.mean().item() - shape) < 0.05 * math.sqrt(shape)
    x = torch._sample_dirichlet(torch.full((100, 4), 0.5))
    assert_close(x.sum(1), [1.0] * 100, rtol=1e-6)


def test_what_draws_say_to_gradients():
    x = leaf([3.0, 4.0])
    torch.poisson(x).sum().backward()
    assert values(x.grad) == [0.0, 0.0]
    for draw in (lambda: torch.binomial(x, x.detach() / 5), lambda: torch._sample_dirichlet(x)):
        with pytest.raises(RuntimeError, match="is not implemented"):
            draw().sum().backward()


def test_gamma_numbers_move_with_their_shapes():
    # dx/da = -(dP/da) / (dP/dx); for a = 1, P = 1 - exp(-x), and dP/da is known from the exponential integral.
    shapes = leaf([1.0] * 6, dtype=torch.float64)
    torch.manual_seed(SEED)
    x = torch._standard_gamma(shapes)
    x.sum().backward()
    for number, slope in zip(values(x), values(shapes.grad), strict=True):
        # The integral of log(t) exp(-t) from 0 to x, and digamma(1) = -0.5772..., by a fine sum in log(t).
        steps = 20_000
        width = (math.log(number) + 40) / steps
        points = [-40 + (i + 0.5) * width for i in range(steps)]
        moment = width * sum(u * math.exp(u - math.exp(u)) for u in points)
        share = 1 - math.exp(-number)
        by_shape = moment + 0.5772156649015329 * share
        assert abs(slope + by_shape / math.exp(-number)) < 1e-4 * max(1.0, slope)
    # Large shapes: x is about a + sqrt(a) z with z held.
    shapes = leaf([50.0, 1e5, 1e8], dtype=torch.float64)
    x = torch._standard_gamma(shapes)
    x.sum().backward()
    for a, number, slope in zip(values(shapes), values(x), values(shapes.grad), strict=True):
        assert abs(slope - (1 + (number - a) / (2 * a))) < 10 / a


def test_generators_are_pickled_and_copied():
    generator = torch.Generator()
    generator.manual_seed(SEED)
    torch.rand(3, generator=generator)
    for twin in (pickle.loads(pickle.dumps(generator)), copy.copy(generator)):
        ours = generator.clone_state()
        assert values(torch.rand(4, generator=twin)) == values(torch.rand(4, generator=ours))


def test_draws_by_parameters_on_the_meta_device_have_a_shape():
    x = torch.ones(3, 2, device="meta", requires_grad=True)
    for draw, node in ((torch.poisson, "PoissonBackward0"), (torch._standard_gamma, "StandardGammaBackward0")):
        out = draw(x)
        assert out.is_meta and out.shape == (3, 2) and type(out.grad_fn).__name__ == node
        (g,) = torch.autograd.grad(out, x, torch.ones(3, 2, device="meta"))
        assert g.is_meta and g.shape == (3, 2)
