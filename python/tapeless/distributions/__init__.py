# torch.distributions: probability distributions, transforms, constraints and KL divergences.
"""Distributions with samples, densities and gradients, as `torch.distributions`."""

from tapeless.distributions.bernoulli import Bernoulli
from tapeless.distributions.beta import Beta
from tapeless.distributions.binomial import Binomial
from tapeless.distributions.categorical import Categorical
from tapeless.distributions.cauchy import Cauchy
from tapeless.distributions.chi2 import Chi2
from tapeless.distributions.constraint_registry import biject_to, transform_to
from tapeless.distributions.continuous_bernoulli import ContinuousBernoulli
from tapeless.distributions.dirichlet import Dirichlet
from tapeless.distributions.distribution import Distribution
from tapeless.distributions.exp_family import ExponentialFamily
from tapeless.distributions.exponential import Exponential
from tapeless.distributions.fishersnedecor import FisherSnedecor
from tapeless.distributions.gamma import Gamma
from tapeless.distributions.generalized_pareto import GeneralizedPareto
from tapeless.distributions.geometric import Geometric
from tapeless.distributions.gumbel import Gumbel
from tapeless.distributions.half_cauchy import HalfCauchy
from tapeless.distributions.half_normal import HalfNormal
from tapeless.distributions.independent import Independent
from tapeless.distributions.inverse_gamma import InverseGamma
from tapeless.distributions.kl import kl_divergence, register_kl
from tapeless.distributions.kumaraswamy import Kumaraswamy
from tapeless.distributions.laplace import Laplace
from tapeless.distributions.lkj_cholesky import LKJCholesky
from tapeless.distributions.log_normal import LogNormal
from tapeless.distributions.logistic_normal import LogisticNormal
from tapeless.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from tapeless.distributions.mixture_same_family import MixtureSameFamily
from tapeless.distributions.multinomial import Multinomial
from tapeless.distributions.multivariate_normal import MultivariateNormal
from tapeless.distributions.negative_binomial import NegativeBinomial
from tapeless.distributions.normal import Normal
from tapeless.distributions.one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from tapeless.distributions.pareto import Pareto
from tapeless.distributions.poisson import Poisson
from tapeless.distributions.relaxed_bernoulli import RelaxedBernoulli
from tapeless.distributions.relaxed_categorical import RelaxedOneHotCategorical
from tapeless.distributions.studentT import StudentT
from tapeless.distributions.transformed_distribution import TransformedDistribution
from tapeless.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from tapeless.distributions.uniform import Uniform
from tapeless.distributions.von_mises import VonMises
from tapeless.distributions.weibull import Weibull
from tapeless.distributions.wishart import Wishart

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "Bernoulli",
    "Beta",
    "Binomial",
    "CatTransform",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ComposeTransform",
    "ContinuousBernoulli",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "Dirichlet",
    "Distribution",
    "ExpTransform",
    "Exponential",
    "ExponentialFamily",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "IndependentTransform",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "LowerCholeskyTransform",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "StudentT",
    "TanhTransform",
    "Transform",
    "TransformedDistribution",
    "Uniform",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "identity_transform",
    "kl_divergence",
    "register_kl",
    "transform_to",
]
