"""Divergences are the integrals that they stand for, transforms have the inverses and Jacobians that they state."""

import gc
import math

import pytest

from tests.subject import assert_close, torch, values

D = torch.distributions
T = D.transforms
C = D.constraints


def f(x):
    return torch.tensor(x, dtype=torch.float64)


ON_NUMBERS = {
    "Beta": lambda: D.Beta(f(2.5), f(3.5)),
    "ContinuousBernoulli": lambda: D.ContinuousBernoulli(f(0.2)),
    "Exponential": lambda: D.Exponential(f(2.0)),
    "Gamma": lambda: D.Gamma(f(3.0), f(2.0)),
    "Gumbel": lambda: D.Gumbel(f(0.5), f(2.0)),
    "HalfNormal": lambda: D.HalfNormal(f(2.0)),
    "Laplace": lambda: D.Laplace(f(0.5), f(2.0)),
    "Normal": lambda: D.Normal(f(0.5), f(2.0)),
    "Pareto": lambda: D.Pareto(f(0.7), f(6.0)),
    "Uniform": lambda: D.Uniform(f(0.2), f(0.8)),
    "Cauchy": lambda: D.Cauchy(f(0.3), f(0.5)),
}
OTHERS = {
    "Beta": lambda: D.Beta(f(1.5), f(2.0)),
    "ContinuousBernoulli": lambda: D.ContinuousBernoulli(f(0.6)),
    "Exponential": lambda: D.Exponential(f(0.5)),
    "Gamma": lambda: D.Gamma(f(1.5), f(1.0)),
    "Gumbel": lambda: D.Gumbel(f(0.0), f(3.0)),
    "HalfNormal": lambda: D.HalfNormal(f(1.0)),
    "Laplace": lambda: D.Laplace(f(0.0), f(3.0)),
    "Normal": lambda: D.Normal(f(-0.5), f(3.0)),
    "Pareto": lambda: D.Pareto(f(0.1), f(2.0)),
    "Uniform": lambda: D.Uniform(f(0.0), f(2.0)),
    "Cauchy": lambda: D.Cauchy(f(-0.3), f(1.5)),
}
PAIRS = [(p.__name__, q.__name__) for p, q in D.kl._KL_REGISTRY if p.__name__ in ON_NUMBERS and q.__name__ in OTHERS]


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_divergence_is_the_integral_of_the_log_quotient(p, q):
    p, q = ON_NUMBERS[p](), OTHERS[q]()
    found = D.kl_divergence(p, q).item()
    x, weights = _points_of(p)
    outside = ~q.support.check(x)
    if (outside & (weights > 0)).any():
        assert found == math.inf
        return
    terms = weights * (p.log_prob(x) - q.log_prob(x))
    assert_close(terms[weights > 0].sum(), found, rtol=2e-3, atol=1e-4)


def _points_of(p):
    """Points of p's support and their probabilities."""
    u = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    if isinstance(p, (D.Beta, D.Gamma)) and not isinstance(p, D.Chi2):
        x = u if isinstance(p, D.Beta) else 20 * u
        weights = p.log_prob(x).exp()
        return x, weights / weights.sum()
    return p.icdf(u), torch.full_like(u, 1e-5)


def test_divergence_of_normal_vectors_is_the_same_however_the_covariance_is_given():
    factor, diagonal = f([[1.0], [0.5]]), f([1.0, 2.0])
    covariance = factor @ factor.mT + diagonal.diag_embed()
    q = D.MultivariateNormal(f([0.3, 0.0]), f([[2.0, 0.5], [0.5, 1.0]]))
    low = D.LowRankMultivariateNormal(f([0.0, 1.0]), factor, diagonal)
    full = D.MultivariateNormal(f([0.0, 1.0]), covariance)
    inverse = D.MultivariateNormal(f([0.0, 1.0]), precision_matrix=torch.linalg.inv(covariance))
    wanted = values(D.kl_divergence(full, q))
    for p in (low, inverse):
        assert_close(D.kl_divergence(p, q), wanted, rtol=1e-9)
        assert_close(D.kl_divergence(q, p), values(D.kl_divergence(q, full)), rtol=1e-9)
        assert_close(D.kl_divergence(p, full), 0.0, atol=1e-9)
        assert_close(p.entropy(), values(full.entropy()), rtol=1e-9)
        assert_close(p.log_prob(f([[0.4, -1.0]])), values(full.log_prob(f([[0.4, -1.0]]))), rtol=1e-9)


def test_the_most_specific_pair_decides_and_a_new_one_is_heard_at_once():
    class Mine(D.Normal):
        pass

    p, q = Mine(f(0.0), f(1.0)), D.Normal(f(1.0), f(1.0))
    assert_close(D.kl_divergence(p, q), 0.5)

    @D.register_kl(Mine, D.Normal)
    def kl(p, q):
        return f(7.0)

    try:
        assert D.kl_divergence(p, q).item() == 7 and D.kl_divergence(q, p).item() == 0.5
    finally:
        del D.kl._KL_REGISTRY[Mine, D.Normal]
        D.kl._KL_MEMOIZE.clear()


def test_registered_formulas_can_be_imported_by_their_names():
    p, q = D.Normal(f(0.0), f(1.0)), D.Normal(f(1.0), f(1.0))
    assert_close(D.kl._kl_normal_normal(p, q), 0.5)
    with pytest.raises(AttributeError):
        D.kl._kl_normal_categorical  # noqa: B018


def test_an_ambiguous_pair_warns():
    class Left(D.Cauchy):
        pass

    class Right(D.Cauchy):
        pass

    D.register_kl(Left, D.Cauchy)(lambda p, q: f(1.0))
    D.register_kl(D.Cauchy, Right)(lambda p, q: f(2.0))
    try:
        with pytest.warns(RuntimeWarning, match="Ambiguous kl_divergence"):
            assert D.kl_divergence(Left(f(0.0), f(1.0)), Right(f(0.0), f(1.0))).item() == 1
    finally:
        del D.kl._KL_REGISTRY[Left, D.Cauchy], D.kl._KL_REGISTRY[D.Cauchy, Right]
        D.kl._KL_MEMOIZE.clear()
    with pytest.raises(
        NotImplementedError, match=r"No KL\(p \|\| q\) is implemented for p type Cauchy and q type Gamma"
    ):
        D.kl_divergence(D.Cauchy(0.0, 1.0), D.Gamma(1.0, 1.0))


BIJECTIONS = {
    "exp": (lambda: T.ExpTransform(), [0.3, -1.2, 2.0]),
    "power": (lambda: T.PowerTransform(f(-0.5)), [0.3, 1.2, 2.0]),
    "sigmoid": (lambda: T.SigmoidTransform(), [0.3, -1.2, 2.0]),
    "tanh": (lambda: T.TanhTransform(), [0.3, -1.2, 2.0]),
    "softplus": (lambda: T.SoftplusTransform(), [0.3, -1.2, 2.0]),
    "affine": (lambda: T.AffineTransform(f([1.0, 2.0, 3.0]), f([2.0, -0.5, 1.0]), event_dim=1), [0.3, -1.2, 2.0]),
    "stick breaking": (lambda: T.StickBreakingTransform(), [0.3, -1.2, 2.0]),
    "correlations": (lambda: T.CorrCholeskyTransform(), [0.3, -1.2, 0.4]),
    "composition": (
        lambda: T.ComposeTransform([T.TanhTransform(), T.AffineTransform(0.5, 3.0), T.ExpTransform()]),
        [0.3, -1.2, 2.0],
    ),
    "pieces": (lambda: T.CatTransform([T.ExpTransform(), T.TanhTransform()], -1, [1, 2]), [0.3, -1.2, 0.4]),
    "stack": (
        lambda: T.StackTransform([T.ExpTransform(), T.TanhTransform(), T.ExpTransform().inv], -1),
        [0.3, -1.2, 0.4],
    ),
    "cdf": (lambda: T.CumulativeDistributionTransform(D.Normal(f(0.5), f(2.0))), [0.3, -1.2, 2.0]),
}


@pytest.mark.parametrize("name", BIJECTIONS)
def test_inverse_undoes_and_the_jacobian_is_the_determinant_of_the_derivative(name):
    make, point = BIJECTIONS[name]
    t, x = make(), f(point).requires_grad_()
    y = t(x)
    assert t.codomain.check(y).all() and y.shape == t.forward_shape(x.shape) and x.shape == t.inverse_shape(y.shape)
    assert_close(t.inv(y), point, rtol=1e-9)
    free = {"stick breaking": y[:-1], "correlations": torch.stack([y[1, 0], y[2, 0], y[2, 1]]) if y.dim() == 2 else y}
    outputs = free.get(name, y)  # what determines the rest
    rows = [torch.autograd.grad(part, x, retain_graph=True)[0] for part in outputs]
    total = t.log_abs_det_jacobian(x, y).sum()
    assert_close(total, math.log(abs(torch.linalg.det(torch.stack(rows)).item())), rtol=1e-7)
    assert_close(t.inv.log_abs_det_jacobian(y, x).sum(), -total.item(), rtol=1e-7)


def test_a_cache_gives_the_same_object_back():
    x = f([30.0, 0.1])
    assert T.TanhTransform().inv(T.TanhTransform()(x)).isinf().any()
    t = T.TanhTransform(cache_size=1)
    assert t.inv(t(x)) is x
    both = T.ComposeTransform([T.TanhTransform(), T.ExpTransform()], cache_size=1)
    assert both.inv(both(x)) is x
    inverse = t.inv
    assert inverse.inv is t and t.inv is inverse
    del inverse
    gc.collect()
    assert t.inv.inv is t


CONSTRAINTS = {
    "real": C.real, "positive": C.positive, "above": C.greater_than(2.0), "at least": C.greater_than_eq(2.0),
    "below": C.less_than(-1.0), "interval": C.interval(-2.0, 5.0), "half open": C.half_open_interval(0.0, 2.0),
    "unit": C.unit_interval, "vector": C.real_vector, "simplex": C.simplex, "independent": C.independent(C.positive, 1),
    "pieces": C.cat([C.positive, C.unit_interval], 0, [1, 2]), "stack": C.stack([C.positive, C.real, C.unit_interval]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_registered_transforms_lead_into_the_constraint(name):
    x = f([0.3, -4.0, 3.0])
    for registry in (D.biject_to, D.transform_to):
        t = registry(CONSTRAINTS[name])
        assert CONSTRAINTS[name].check(t(x)).all()
    assert D.biject_to(CONSTRAINTS[name]).bijective


@pytest.mark.parametrize("constraint", [C.lower_cholesky, C.positive_definite, C.positive_semidefinite])
def test_matrices_are_led_into_their_constraint(constraint):
    x = f([[0.3, -4.0], [3.0, 1.0]])
    t = D.transform_to(constraint)
    y = t(x)
    assert constraint.check(y) and not constraint.check(-y)
    assert_close(t(t.inv(y)), values(y), rtol=1e-9)


def test_sets_contain_what_they_should_and_nothing_else():
    facts = [
        (C.boolean, [0.0, 1.0, 0.5], [True, True, False]),
        (C.integer_interval(1, 3), [0.0, 1.0, 2.5, 3.0], [False, True, False, True]),
        (C.nonnegative_integer, [-1.0, 0.0, 0.5], [False, True, False]),
        (C.real, [math.nan, math.inf], [False, True]),
        (C.half_open_interval(0.0, 1.0), [0.0, 1.0], [True, False]),
        (C.one_hot, [[0.0, 1.0], [1.0, 1.0]], [True, False]),
        (C.simplex, [[0.3, 0.7], [0.5, 0.6]], [True, False]),
        (C.multinomial(3), [[1.0, 2.0], [2.0, 2.0]], [True, False]),
        (C.lower_triangular, [[[1.0, 0.0], [1.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]], [True, False]),
        (C.corr_cholesky, [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.6, 0.9]]], [True, False]),
        (C.symmetric, [[[1.0, 2.0], [2.0, 1.0]]], [True]),
        (C.positive_semidefinite, [[[1.0, 1.0], [1.0, 1.0]]], [True]),
        (C.positive_definite, [[[1.0, 2.0], [2.0, 1.0]]], [False]),
    ]
    for constraint, given, wanted in facts:
        assert constraint.check(f(given)).tolist() == wanted, constraint


def test_a_transformed_distribution_has_the_density_of_its_variable():
    d = D.TransformedDistribution(D.Normal(f(0.1), f(0.5)), [T.AffineTransform(0.2, -2.0), T.ExpTransform()])
    same = D.LogNormal(f(0.0), f(1.0))
    x = f([0.3, 1.0, 2.5])
    for name, given in (("log_prob", x), ("cdf", x), ("icdf", f([0.2, 0.9]))):
        assert_close(getattr(d, name)(given), values(getattr(same, name)(given)), rtol=1e-9, atol=1e-9)
    assert d.support is C.positive or repr(d.support) == "GreaterThan(lower_bound=0.0)"
