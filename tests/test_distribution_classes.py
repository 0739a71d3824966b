"""Every distribution is one: its density integrates to 1, its samples, moments and quantiles fit it."""

import math
import pickle

import pytest

from tests.subject import assert_close, torch, values

D = torch.distributions
SETTINGS = {"dtype": torch.float64}


def f(x):
    return torch.tensor(x, dtype=torch.float64)


# Distributions over numbers, with bounds between which all but 1e-6 of their probability lies.
CONTINUOUS = {
    "Beta": (lambda: D.Beta(f(2.5), f(3.5)), 0, 1),
    "Cauchy": (lambda: D.Cauchy(f(0.3), f(0.5)), -2e6, 2e6),
    "Chi2": (lambda: D.Chi2(f(5.0)), 0, 80),
    "ContinuousBernoulli": (lambda: D.ContinuousBernoulli(f(0.2)), 0, 1),
    "ContinuousBernoulli in the middle": (lambda: D.ContinuousBernoulli(f(0.5002)), 0, 1),
    "Exponential": (lambda: D.Exponential(f(2.0)), 0, 20),
    "FisherSnedecor": (lambda: D.FisherSnedecor(f(6.0), f(20.0)), 0, 200),
    "Gamma": (lambda: D.Gamma(f(3.0), f(2.0)), 0, 30),
    "GeneralizedPareto": (lambda: D.GeneralizedPareto(f(0.0), f(1.0), f(-0.3)), 0, 1 / 0.3),
    "Gumbel": (lambda: D.Gumbel(f(0.5), f(2.0)), -15, 60),
    "HalfNormal": (lambda: D.HalfNormal(f(2.0)), 0, 20),
    "InverseGamma": (lambda: D.InverseGamma(f(7.0), f(3.0)), 1e-3, 50),
    "Kumaraswamy": (lambda: D.Kumaraswamy(f(2.0), f(3.0)), 0, 1),
    "Laplace": (lambda: D.Laplace(f(0.5), f(2.0)), -60, 60),
    "LogNormal": (lambda: D.LogNormal(f(0.1), f(0.5)), 1e-3, 30),
    "MixtureSameFamily": (
        lambda: D.MixtureSameFamily(D.Categorical(f([0.3, 0.7])), D.Normal(f([-1.0, 2.0]), f([0.5, 1.0]))),
        -10,
        12,
    ),
    "Normal": (lambda: D.Normal(f(0.5), f(2.0)), -20, 20),
    "Pareto": (lambda: D.Pareto(f(1.0), f(6.0)), 1, 40),
    "StudentT": (lambda: D.StudentT(f(9.0), f(0.5), f(2.0)), -200, 200),
    "Uniform": (lambda: D.Uniform(f(-1.0), f(3.0)), -1, 3),
    "VonMises": (lambda: D.VonMises(f(0.5), f(2.0)), -math.pi, math.pi),
    "Weibull": (lambda: D.Weibull(f(2.0), f(1.5)), 0, 30),
}
COUNTS = {
    "Bernoulli": (lambda: D.Bernoulli(f(0.3)), 1),
    "Binomial": (lambda: D.Binomial(7, f(0.3)), 7),
    "Geometric": (lambda: D.Geometric(f(0.3)), 120),
    "NegativeBinomial": (lambda: D.NegativeBinomial(f(3.5), f(0.4)), 120),
    "Poisson": (lambda: D.Poisson(f(4.5)), 60),
}
WITHOUT_ENTROPY = ("FisherSnedecor", "MixtureSameFamily")  # as in PyTorch
WITHOUT_CDF = ("Beta", "FisherSnedecor", "StudentT", "VonMises")
WITHOUT_ICDF = ("Chi2", "Gamma", "InverseGamma", "MixtureSameFamily")
# A quotient of two random numbers keeps no place in its own distribution.
ONE_NUMBER_EACH = [n for n in CONTINUOUS if n not in ("FisherSnedecor", "MixtureSameFamily", "StudentT", "VonMises")]
WITHOUT_MOMENTS = ("Cauchy", "VonMises")
# What PyTorch 2.13 draws after manual_seed(12345).
BETA = 0.06484288378465301
MULTINOMIAL = [0.0, 0.0, 6.0]
VON_MISES = 0.8203340304151912
WISHART = [[0.8145551197694813, -1.3147261071847556], [-1.3147261071847556, 2.8098630818540986]]
LKJ = [[1.0, 0.0], [0.11684219249915878, 0.9931504931539779]]


def nodes(low, high, count=40_000):
    """Midpoints and their weights, denser around the middle of a wide range."""
    u = (torch.arange(count, **SETTINGS) + 0.5) / count * 2 - 1
    middle, half = (low + high) / 2, (high - low) / 2
    if high - low < 100:
        return middle + half * u, torch.full((count,), 2 * half / count, **SETTINGS)
    stretch = math.asinh(half)
    return middle + (u * stretch).sinh(), (u * stretch).cosh() * stretch * 2 / count


@pytest.mark.parametrize("name", CONTINUOUS)
def test_density_integrates_to_1_and_to_its_mean_variance_and_entropy(name):
    make, low, high = CONTINUOUS[name]
    d = make()
    x, weights = nodes(low, high)
    log_p = d.log_prob(x)
    p = log_p.exp() * weights
    assert_close(p.sum(), 1.0, rtol=1e-5)
    if name in WITHOUT_MOMENTS:
        return
    assert_close((p * x).sum(), values(d.mean), rtol=1e-4)
    assert_close((p * (x - d.mean) ** 2).sum(), values(d.variance), rtol=1e-3)
    if name not in WITHOUT_ENTROPY:
        assert_close(-(p * log_p).sum(), values(d.entropy()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", COUNTS)
def test_probabilities_add_up_to_1_and_to_their_mean_and_variance(name):
    make, last = COUNTS[name]
    d = make()
    k = torch.arange(last + 1, **SETTINGS)
    p = d.log_prob(k).exp()
    assert_close(p.sum(), 1.0, rtol=1e-9)
    assert_close((p * k).sum(), values(d.mean), rtol=1e-9)
    assert_close((p * (k - d.mean) ** 2).sum(), values(d.variance), rtol=1e-9)
    assert p.argmax().item() == d.mode.item()


@pytest.mark.parametrize("name", [name for name in CONTINUOUS if name not in WITHOUT_CDF])
def test_cdf_is_the_integral_of_the_density_and_icdf_its_inverse(name):
    make, low, high = CONTINUOUS[name]
    d = make()
    wide = high - low >= 100
    middle = 0.7 if wide else low + 0.37 * (high - low)
    x, weights = nodes(low, high if wide else middle)
    below = d.log_prob(x).exp() * weights * (x <= middle)
    assert_close(below.sum(), values(d.cdf(f(middle))), rtol=1e-3, atol=1e-5)
    if name not in WITHOUT_ICDF:
        p = f([0.01, 0.3, 0.5, 0.9])
        assert_close(d.cdf(d.icdf(p)), values(p), rtol=1e-9)


@pytest.mark.parametrize("name", [*CONTINUOUS, *COUNTS])
def test_samples_have_the_mean_and_lie_in_the_support(name):
    d = {**CONTINUOUS, **COUNTS}[name][0]()
    torch.manual_seed(0)
    x = d.sample((20_000,))
    assert x.shape == (20_000,) and d.support.check(x).all()
    if name not in WITHOUT_MOMENTS:
        assert abs(x.mean() - d.mean).item() < 5 * (d.variance.item() / 20_000) ** 0.5
        assert_close(x.var(), values(d.variance), rtol=0.15)


@pytest.mark.parametrize("name", ONE_NUMBER_EACH)
def test_derivative_of_a_sample_keeps_its_place_in_the_distribution(name):
    """Where there is a cdf: F(x(a); a) does not change with a, so that dF/da + f dx/da = 0."""
    parameters = [x.requires_grad_() for x in _parameters(name)]
    kind = getattr(D, name.split(" ")[0])
    torch.manual_seed(3)
    x = kind(*parameters).rsample((5,))
    for i, p in enumerate(parameters):
        moved = torch.stack([torch.autograd.grad(part, p, retain_graph=True, allow_unused=True)[0] for part in x])
        h = 1e-5
        others = [q.detach() for q in parameters]
        up, down = list(others), list(others)
        up[i], down[i] = others[i] + h, others[i] - h
        by_parameter = (_cdf(kind(*up), x.detach()) - _cdf(kind(*down), x.detach())) / (2 * h)
        density = kind(*others).log_prob(x.detach()).exp()
        assert_close(density * moved, values(-by_parameter), rtol=1e-3, atol=1e-6)


def _parameters(name):
    given = {
        "Beta": [2.5, 3.5], "Cauchy": [0.3, 0.5], "Chi2": [5.0], "ContinuousBernoulli": [0.2],
        "ContinuousBernoulli in the middle": [0.2], "Exponential": [2.0], "FisherSnedecor": [6.0, 20.0],
        "Gamma": [3.0, 2.0], "GeneralizedPareto": [0.1, 1.0, -0.3], "Gumbel": [0.5, 2.0], "HalfNormal": [2.0],
        "InverseGamma": [7.0, 3.0], "Kumaraswamy": [2.0, 3.0], "Laplace": [0.5, 2.0], "LogNormal": [0.1, 0.5],
        "Normal": [0.5, 2.0], "Pareto": [1.0, 6.0], "StudentT": [9.0, 0.5, 2.0], "Uniform": [-1.0, 3.0],
        "Weibull": [2.0, 1.5],
    }  # fmt: skip
    return [f(x) for x in given[name]]


def _cdf(d, x):
    """The cdf, which of beta numbers is found by integration."""
    return _beta_cdf(x, d.concentration1, d.concentration0) if isinstance(d, D.Beta) else d.cdf(x)


def test_dirichlet_derivative_is_that_of_normalized_gamma_quantiles():
    """Two coordinates are a beta number and its rest: their derivatives add up to 0 and are Beta's."""
    a = f([[0.5, 2.0]] * 4).requires_grad_()
    torch.manual_seed(1)
    x = D.Dirichlet(a).rsample()
    (whole,) = torch.autograd.grad(x.sum(), a, retain_graph=True)
    assert_close(whole, [[0.0, 0.0]] * 4, atol=1e-12)
    (of_first,) = torch.autograd.grad(x[:, 0].sum(), a)
    h = 1e-5
    first = x[:, 0].detach()
    up, down = (_beta_cdf(first, 0.5 + s * h, 2.0) for s in (1, -1))
    density = D.Beta(f(0.5), f(2.0)).log_prob(first).exp()
    assert_close(of_first[:, 0] * density, values(-(up - down) / (2 * h)), rtol=1e-4)


def _beta_cdf(x, a, b):
    """By the substitution t = x u^(1/a), which takes the singularity at 0 away."""
    u = (torch.arange(20_000, **SETTINGS) + 0.5) / 20_000
    a, b = torch.as_tensor(a, **SETTINGS), torch.as_tensor(b, **SETTINGS)
    norm = (torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)).exp()
    t = x[:, None] * u ** (1 / a)
    return x**a / a * ((1 - t) ** (b - 1)).mean(-1) * norm


def test_expanded_distributions_share_their_parameters_memory():
    d = D.Normal(f([0.0, 1.0]), f([1.0, 2.0])).expand((1000, 2))
    assert d.batch_shape == (1000, 2) and d.loc.stride() == (0, 1)
    assert isinstance(d, D.Normal) and d.sample((3,)).shape == (3, 1000, 2)


def test_a_subclass_with_its_own_constructor_must_expand_itself():
    class Shifted(D.Normal):
        def __init__(self, loc):
            super().__init__(loc, 1.0)

    class Plain(D.Normal):
        pass

    with pytest.raises(NotImplementedError, match=r"must also define a custom .expand\(\) method"):
        Shifted(0.0).expand((2,))
    assert repr(Plain(0.0, 1.0).expand((2,))) == "Plain(loc: torch.Size([2]), scale: torch.Size([2]))"


def test_samples_on_the_meta_device_have_a_shape_and_no_numbers():
    m = torch.ones(2, 3, device="meta")
    for d in (D.Normal(m, m, validate_args=False), D.Categorical(logits=m, validate_args=False)):
        x = d.sample((5,))
        assert x.is_meta and x.shape == (5, *d.batch_shape)


def test_a_subclass_may_expand_by_hand():
    class Mine(D.Categorical):
        def __init__(self, probs):
            super().__init__(probs)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Mine, _instance) if _instance else self.__new__(Mine)
            shape = torch.Size(batch_shape)
            new.probs = self.probs.expand(shape + (self._num_events,))
            new._param, new._num_events = new.probs, self._num_events
            super(D.Categorical, new).__init__(shape, validate_args=False)
            return new

    d = Mine(f([1.0, 3.0])).expand((3,))
    assert d.param_shape == (3, 2) and values(d.log_prob(torch.tensor(1)).exp()) == pytest.approx([0.75] * 3)
    b = D.Bernoulli(f(0.5))
    b.logits = f([1.0, 2.0])
    b._param = b.logits
    assert b.param_shape == (2,)


def test_wrong_parameters_and_values_are_named():
    with pytest.raises(ValueError, match=r"Expected parameter scale \(Tensor of shape \(\)\) of distribution Normal"):
        D.Normal(0.0, -1.0)
    with pytest.raises(ValueError, match=r"to be within the support \(Boolean\(\)\) of the distribution Bernoulli"):
        D.Bernoulli(f(0.5)).log_prob(f(0.5))
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1


def test_probs_and_logits_follow_from_each_other_and_only_when_asked():
    d = D.Bernoulli(logits=f(0.3))
    assert "probs" not in vars(d)
    assert_close(d.probs, 1 / (1 + math.exp(-0.3)), rtol=1e-12)
    assert "probs" in vars(d) and vars(D.Categorical(f([1.0, 3.0])))["probs"].tolist() == [0.25, 0.75]
    with pytest.raises(ValueError, match="Either `probs` or `logits` must be specified, but not both"):
        D.Categorical(f([1.0]), f([1.0]))


def test_distributions_can_be_pickled_and_drawn_again():
    for d in (D.Normal(f(0.0), f(1.0)), D.Gumbel(f(0.0), f(1.0)), D.Dirichlet(f([1.0, 2.0])), D.LKJCholesky(3, f(2.0))):
        back = pickle.loads(pickle.dumps(d))
        torch.manual_seed(2)
        x = d.sample((2,))
        torch.manual_seed(2)
        assert values(back.sample((2,))) == values(x)


def test_numbers_of_a_seed_are_pytorchs():
    facts = {
        "Beta": (D.Beta(f(0.5), f(2.0)), BETA),
        "Multinomial": (D.Multinomial(6, f([0.2, 0.3, 0.5])), MULTINOMIAL),
        "VonMises": (D.VonMises(f(0.5), f(3.0)), VON_MISES),
        "Wishart": (D.Wishart(f(3.0), f([[2.0, 0.3], [0.3, 1.0]])), WISHART),
        "LKJCholesky": (D.LKJCholesky(2, f(2.0)), LKJ),
    }
    for name, (d, numbers) in facts.items():
        torch.manual_seed(12345)
        assert_close([name, d.sample()], [name, numbers], rtol=1e-6)
