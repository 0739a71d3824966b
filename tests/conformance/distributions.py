"""The command: `python -m tests.conformance.distributions` compares tapeless.distributions with torch.distributions.

Values, samples of the same seed, gradients, shapes, texts and refusals of the cases in distribution_cases.py.
"""

from __future__ import annotations

import importlib
import itertools
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch

from tests.conformance import distribution_cases as cases

# Where PyTorch is wrong or approximate, and why: (case begins with, fact begins with, dtype) → reason.
EXCUSED = {
    ("D.Kumaraswamy", "mode", ""): "PyTorch's mode of Kumaraswamy is NaN: it takes log(1 - b) of b > 1",
    (
        "D.GeneralizedPareto",
        "",
        "float64",
    ): "PyTorch's GeneralizedPareto compares its concentration with a float32 zero",
    ("KL(D.Uniform", "kl of ContinuousBernoulli", ""): "PyTorch calls KL infinite where the bounds of both are equal",
    ("D.Multinomial", "expand's entropy", ""): "PyTorch's Multinomial.expand forgets what the entropy needs",
    ("KL(D.LowRank", "kl of MultivariateNormal", ""): "PyTorch joins a batch of matrices with a single one",
    ("D.Wishart", "log_prob", ""): "PyTorch gives the triangle that cholesky_solve does not read a derivative",
    ("D.Wishart", "rsample", ""): "PyTorch's Wishart overwrites its samples, so that backward is refused",
}
# Samples whose derivative PyTorch approximates: Gamma, Beta and Dirichlet numbers and what is made of them.
APPROXIMATE = ("Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT", "Wishart")
# What the texts of tensors say of the graph is compared elsewhere.
GRAPH = r",\s+(grad_fn=<\w+>|requires_grad=True)"


class Side:
    """One of the two libraries, with what the cases' text needs."""

    def __init__(self, library: Any, dtype: str) -> None:
        self.library = library
        self.leaves: list[Any] = []
        package = importlib.import_module(library.__name__ + ".distributions")
        self.names = {
            "torch": library,
            "D": package,
            "T": importlib.import_module(package.__name__ + ".transforms"),
            "C": importlib.import_module(package.__name__ + ".constraints"),
            "dtype": getattr(library, dtype),
            "f": self.leaf,
        }

    def leaf(self, numbers: Any) -> Any:
        """A tensor of the dtype under test that asks for gradients."""
        x = self.library.tensor(numbers, dtype=self.names["dtype"], requires_grad=True)
        self.leaves.append(x)
        return x

    def build(self, text: str) -> Any:
        """The object of a case's text; its leaves are those that gradients are taken for."""
        self.leaves = []
        return eval(text, self.names)  # the case's own text

    def seeded(self, function: Callable[[], Any]) -> Any:
        """The function's value, drawn from a seed."""
        self.library.manual_seed(17)
        return function()

    def gradients(self, y: Any) -> list[Any]:
        """The gradients of a weighted sum of y for the leaves, zeros where there is none."""
        weights = self.library.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape).cos()
        found = self.library.autograd.grad((y * weights).sum(), self.leaves, allow_unused=True, retain_graph=True)
        return [self.library.zeros_like(x) if g is None else g for x, g in zip(self.leaves, found, strict=True)]


def attempt(function: Callable[[], Any]) -> Any:
    """The function's value, or the exception that it raises."""
    try:
        return function()
    except Exception as error:  # any refusal is an outcome to compare
        return error


def facts_of_distribution(side: Side, text: str) -> Iterator[tuple[str, Any]]:
    """Everything that a distribution shows, by name."""
    d = side.build(text)
    yield "repr", repr(d)
    for name in ("batch_shape", "event_shape", "has_rsample", "has_enumerate_support", "arg_constraints", "support"):
        yield name, repr(attempt(lambda name=name: getattr(d, name)))
    for name in ("mean", "mode", "variance", "stddev"):
        yield name, attempt(lambda name=name: getattr(d, name))
    yield "entropy", attempt(d.entropy)
    yield "entropy's gradient", attempt(lambda: side.gradients(d.entropy()))
    yield "support's values", attempt(d.enumerate_support)
    yield "support's values, not expanded", attempt(lambda: d.enumerate_support(expand=False))
    at = side.library.tensor([0.05, 0.5, 0.9], dtype=side.names["dtype"]).reshape(3, *[1] * len(d.batch_shape))
    yield "icdf", attempt(lambda: d.icdf(at))
    yield from facts_of_samples(side, d)
    shape = (3, *d.batch_shape)
    wider = attempt(lambda: d.expand(shape))
    yield "expand's repr", repr(wider)
    yield "expand's sample", attempt(lambda: side.seeded(lambda: wider.sample((2,))))
    yield "expand's mean", attempt(lambda: wider.mean)
    yield "expand's log_prob", attempt(lambda: wider.log_prob(side.seeded(lambda: d.sample((2, 3)))))
    yield "expand's entropy", attempt(lambda: wider.entropy())


def facts_of_samples(side: Side, d: Any) -> Iterator[tuple[str, Any]]:
    """What a distribution draws, and what it says of that."""
    for shape in ((), (3,), (2, 1)):
        x = attempt(lambda shape=shape: side.seeded(lambda: d.sample(shape)))
        yield f"sample{shape}", x
        yield f"rsample{shape}", attempt(lambda shape=shape: side.seeded(lambda: d.rsample(shape)))
        yield (
            f"rsample{shape}'s gradient",
            attempt(lambda shape=shape: side.gradients(side.seeded(lambda: d.rsample(shape)))),
        )
        for name in ("log_prob", "cdf"):
            yield f"{name}{shape}", attempt(lambda name=name, x=x: getattr(d, name)(x))
            yield (
                f"{name}{shape}'s gradient",
                attempt(lambda name=name, x=x: side.gradients(getattr(d, name)(x.detach()))),
            )


def facts_of_kl(side: Side, text: str) -> Iterator[tuple[str, Any]]:
    """The divergences of all pairs of one class's two distributions with those of the other."""
    first, second = text.removeprefix("KL(").removesuffix(")").split(" | ")
    divergence = side.names["D"].kl_divergence
    pairs = itertools.product(cases.FOR_KL[first.removeprefix("D.")], cases.FOR_KL[second])
    for number, (p, q) in enumerate(pairs):
        both = side.build(f"({p}, {q})")
        kl = attempt(lambda both=both: divergence(*both))
        yield f"kl of {second} {number}", kl
        yield f"kl of {second} {number}'s gradient", attempt(lambda kl=kl: side.gradients(kl))


def facts_of_transform(side: Side, text: str) -> Iterator[tuple[str, Any]]:
    """Everything that a transform shows at given points."""
    transform, x = side.build(text)
    for name in ("bijective", "sign", "domain", "codomain", "event_dim", "inv"):
        yield (
            name,
            attempt(lambda name=name: getattr(transform, name))
            if name == "sign"
            else repr(attempt(lambda name=name: getattr(transform, name))),
        )
    yield "repr", repr(transform)
    y = transform(x)
    yield "forward", y
    yield "gradient", side.gradients(y)
    yield "inverse", attempt(lambda: transform.inv(y.detach()))
    yield "jacobian", attempt(lambda: transform.log_abs_det_jacobian(x, y))
    yield "jacobian's gradient", attempt(lambda: side.gradients(transform.log_abs_det_jacobian(x, y)))
    yield "inverse's jacobian", attempt(lambda: transform.inv.log_abs_det_jacobian(y, x))
    yield "forward shape", repr(attempt(lambda: transform.forward_shape(x.shape)))
    yield "inverse shape", repr(attempt(lambda: transform.inverse_shape(y.shape)))
    yield "too few dimensions", repr(attempt(lambda: transform.forward_shape(side.library.Size([]))))
    cached = attempt(lambda: transform.with_cache(1))
    yield "cache", attempt(lambda: cached.inv(cached(x)) is x)
    yield "equality", [transform == cached, transform == transform.inv, transform.inv.inv is transform]
    yield "domain's check", attempt(lambda: transform.domain.check(x))
    yield "codomain's check", attempt(lambda: transform.codomain.check(y))


def facts_of_mistake(side: Side, text: str) -> Iterator[tuple[str, Any]]:
    """What a mistake is answered with: the class, and the text up to the numbers."""
    outcome = attempt(lambda: side.build(text))
    yield "refusal", outcome
    yield (
        "text",
        " ".join(str(outcome).split("found invalid values")[0].split()) if isinstance(outcome, Exception) else "none",
    )


def all_cases() -> Iterator[tuple[str, Any]]:
    """Each case's text and the function that gives its facts."""
    for texts in cases.DISTRIBUTIONS.values():
        for text in texts:
            yield text, facts_of_distribution
    for p, q in torch.distributions.kl._KL_REGISTRY:
        yield f"KL(D.{p.__name__} | {q.__name__})", facts_of_kl
    for transform, points in cases.TRANSFORMS:
        yield f"({transform}, {points})", facts_of_transform
    for text in cases.MISTAKES:
        yield text, facts_of_mistake


def _numbers(x: Any) -> torch.Tensor:
    return torch.tensor(x.detach().tolist(), dtype=torch.float64)


def same(theirs: Any, ours: Any, rtol: float, atol: float) -> bool:
    """Whether two facts agree: equal texts, refusals of one class, tensors of one dtype, shape and nearly one value."""
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        return type(theirs) is type(ours)
    if isinstance(theirs, list):
        return len(theirs) == len(ours) and all(same(a, b, rtol, atol) for a, b in zip(theirs, ours, strict=True))
    if not isinstance(theirs, torch.Tensor):
        return re.sub(GRAPH, "", str(theirs)) == re.sub(GRAPH, "", str(ours))
    if str(theirs.dtype).split(".")[1] != str(ours.dtype).split(".")[1] or tuple(theirs.shape) != tuple(ours.shape):
        return False
    return torch.allclose(_numbers(theirs), _numbers(ours), rtol=rtol, atol=atol, equal_nan=True)


def _excuse(text: str, fact: str, dtype: str) -> str | None:
    for (case, begin, kind), reason in EXCUSED.items():
        if text.startswith(case) and fact.startswith(begin) and kind in ("", dtype):
            return reason
    return None


def _tolerance(text: str, fact: str, dtype: str) -> tuple[float, float]:
    if text.startswith("D.VonMises"):  # PyTorch's Bessel functions are polynomials, good to 2e-7
        return 1e-4, 1e-6
    if fact.startswith("rsample") and fact.endswith("gradient") and any(name in text for name in APPROXIMATE):
        return 5e-3, 1e-4
    return (2e-4, 2e-5) if dtype == "float32" else (1e-6, 1e-8)


def compare(subject: Any, case: tuple[str, Any], dtype: str, counts: Counter[str]) -> None:
    """Compares every fact of a case, counting what agrees and what is excused, by reason."""
    text, facts = case
    ours = dict(facts(Side(subject, dtype), text))
    for fact, wanted in facts(Side(torch, dtype), text):
        got = ours.get(fact, "missing")
        if same(wanted, got, *_tolerance(text, fact, dtype)):
            counts["agree"] += 1
        elif reason := _excuse(text, fact, dtype):
            counts[reason] += 1
        else:
            counts["differ"] += 1
            print(f"DIFFERENT {text} {dtype}, {fact}:\n    {got!r:.400}\n    where PyTorch has {wanted!r:.400}")


def main() -> int:
    """Compares every fact of every case; 0 when all agree or are excused, and every excuse is needed."""
    warnings.simplefilter("ignore")
    subject = importlib.import_module("tapeless")
    counts = Counter[str]()
    for case in all_cases():
        for dtype in ("float64", "float32"):
            compare(subject, case, dtype, counts)
    excused = {reason: counts[reason] for reason in EXCUSED.values()}
    for reason, count in excused.items():
        print(f"PyTorch fault: {count} values excused; {reason}")
    missing = set(torch.distributions.__all__) ^ set(subject.distributions.__all__)
    for name in missing:
        print(f"distributions: {name} is in one of the two only")
    print(
        f"distributions: {len(cases.DISTRIBUTIONS)} classes, {counts.total()} values, {counts['agree']} agree, "
        f"{sum(excused.values())} excused"
    )
    return 1 if counts["differ"] or missing or not all(excused.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
