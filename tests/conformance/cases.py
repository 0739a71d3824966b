"""Runs one sample through PyTorch and through the subject, stage by stage."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from .compare import (
    Facts,
    Reason,
    Tolerance,
    brief,
    error_class,
    fact_reasons,
    layout_reasons,
    scalar_reasons,
    structure,
    value_reason,
)
from .convert import build, carry, dtype_name, read, tensors_in
from .library import Library, Missing, Unsupported, operation
from .precise import Asked, Precise

# Their results' numbers are whatever the memory held.
UNINITIALISED = ("empty", "new_empty")


@dataclass
class Case:
    """One sample of one OpInfo in one dtype, with what disagreed; what a fault's predicate sees."""

    info: Any
    dtype: str
    index: int
    sample: Any
    is_error: bool = False
    reasons: list[Reason] = field(default_factory=list)
    compared: bool = False
    left_out: str = ""

    @property
    def name(self) -> str:
        """The OpInfo's full name, as in names.txt."""
        return self.info.full_name

    @property
    def stages(self) -> frozenset[str]:
        """The promises that broke."""
        return frozenset(reason.stage for reason in self.reasons)

    @property
    def label(self) -> str:
        """`float32 #3`, or `error #1` for a sample that must raise."""
        return f"{self.dtype} #{self.index}"


@dataclass
class Attempt:
    """One call in one library: its arguments, and its result or its exception."""

    library: Library
    inputs: list[Any]
    result: Any = None
    error: Exception | None = None
    written: Any = None
    kinds: list[str] = field(default_factory=list)
    leaves: list[Any] = field(default_factory=list)

    def examine(self) -> None:
        """Notes what a program sees of the result, before any number is read."""
        known = self.inputs if self.written is None else [self.written, *self.inputs]
        self.kinds, self.leaves = structure(self.library, self.result, known)

    def read_values(self) -> None:
        """Reads the numbers."""
        known = self.inputs if self.written is None else [self.written, *self.inputs]
        for leaf in self.leaves:
            if isinstance(leaf, Facts):
                leaf.read_value(self.library, known)

    def differentiable(self) -> list[Any]:
        """The arguments that a gradient is asked for."""
        return [x for x in self.inputs if x.requires_grad]


def has_no_kernel(error: Exception | None) -> bool:
    """Whether PyTorch lacks the dtype here, which asks nothing of the subject."""
    return error is not None and "not implemented for" in str(error)


class Comparison:
    """The two libraries and one case: each method is one stage, and adds the reasons it finds."""

    def __init__(self, oracle: Library, subject: Library, case: Case) -> None:
        self.oracle, self.subject, self.case = oracle, subject, case
        self.tolerance = Tolerance.of(case.info)
        seed = zlib.crc32(f"{case.name} {case.label}".encode())
        self.generator = torch.Generator().manual_seed(seed)
        self.reads_values = not case.name.startswith(UNINITIALISED)

    def run(self) -> None:
        """Every stage of an ordinary sample."""
        info = self.case.info
        names = (info.name, f"Tensor.{info.name}")
        self._stage("call", operation(info), names, gradients=True)
        if info.inplace_variant is not None and isinstance(self.case.sample.input, torch.Tensor):
            hints = (f"Tensor.{info.name}_",)
            self._stage("inplace", info.inplace_variant, hints, gradients=True, in_place=True)
        for stage, function in (("method", info.method_variant), ("op", info.operator_variant)):
            if function is not None and function is not info.op:
                self._stage(stage, function, names[1:])

    def run_error(self) -> None:
        """A sample that must raise: the class of the exception."""
        info = self.case.info
        expected, actual = self._attempts(operation(info), (info.name, f"Tensor.{info.name}"), False)
        if expected.error is None:
            self.case.left_out = "PyTorch does not raise on the CPU"
        if expected.error is None or self._asks_nothing(expected.error):
            return
        self.case.compared = True
        if actual.error is None:
            self._add("error", f"nothing raised where PyTorch raises {brief(expected.error)}")
        elif error_class(expected.error) != error_class(actual.error):
            text = f"{brief(actual.error)} where PyTorch raises {brief(expected.error)}"
            self._add("error", text)

    def _asks_nothing(self, error: Exception | None) -> bool:
        """Whether PyTorch's own outcome leaves nothing to compare; notes why."""
        if isinstance(error, Unsupported):
            self.case.left_out = str(error)
        elif has_no_kernel(error):
            self.case.left_out = "PyTorch has no kernel for the dtype"
        else:
            return False
        return True

    def _add(self, stage: str, text: str) -> None:
        self.case.reasons.append(Reason(stage, text))

    def _adder(self, stage: str) -> Callable[[list[Reason]], None]:
        """Files reasons under their own stage for the plain call, under the variant's otherwise."""

        def add(reasons: list[Reason]) -> None:
            for reason in reasons:
                if stage != "call":
                    reason = Reason(stage, f"{reason.stage}: {reason.text}", reason.as_near)
                self.case.reasons.append(reason)

        return add

    def _attempts(self, function: Any, hints: tuple[str, ...], in_place: bool) -> tuple[Attempt, Attempt]:
        expected = self._attempt(self.oracle, function, hints, in_place)
        return expected, self._attempt(self.subject, function, hints, in_place)

    def _attempt(self, library: Library, function: Any, hints: tuple[str, ...], in_place: bool) -> Attempt:
        sample = self.case.sample
        attempt = Attempt(library, [])
        try:
            given = carry(library, [sample.input, sample.args, sample.kwargs], {})
            attempt.inputs = tensors_in(library, given)
            first, args, kwargs = given
            if in_place:
                first = attempt.written = first.clone()
            call = function if library is self.oracle else library.function(function, *hints)
            library.module.manual_seed(42)  # draws must agree too
            attempt.result = call(first, *args, **kwargs)
        except Exception as error:  # any exception is an outcome to compare
            attempt.error = error
        return attempt

    def _stage(
        self,
        stage: str,
        function: Any,
        hints: tuple[str, ...],
        gradients: bool = False,
        in_place: bool = False,
    ) -> None:
        expected, actual = self._attempts(function, hints, in_place)
        if self._asks_nothing(expected.error):
            return
        self.case.compared = True
        if expected.error is not None or actual.error is not None:
            self._compare_errors(stage, expected.error, actual.error)
            return
        self.precise = Precise(self.oracle, self.case, function, in_place)
        try:
            self._compare_results(stage, expected, actual, gradients)
        except Exception as error:  # the subject lacks what the harness looks at
            self._add(stage, f"while comparing: {brief(error)}")

    def _compare_errors(self, stage: str, expected: Exception | None, actual: Exception | None) -> None:
        wanted = "nothing" if expected is None else brief(expected)
        got = "nothing" if actual is None else brief(actual)
        same = expected and actual and error_class(expected) == error_class(actual)
        if not same or isinstance(actual, Missing):
            self._add(stage, f"raises {got} where PyTorch raises {wanted}")

    def _compare_results(self, stage: str, expected: Attempt, actual: Attempt, gradients: bool) -> None:
        add = self._adder(stage)
        expected.examine()
        actual.examine()
        if expected.kinds != actual.kinds:
            wanted, got = ", ".join(expected.kinds), ", ".join(actual.kinds)
            add([Reason("container", f"result is {got:.60} where PyTorch has {wanted:.60}")])
            return
        pairs = list(zip(expected.leaves, actual.leaves, strict=True))
        facts = [pair for pair in pairs if isinstance(pair[0], Facts)]
        for wanted, got in facts:
            add(layout_reasons(wanted, got))
        if expected.written is not None:
            wanted, got = expected.written._version, actual.written._version
            if wanted != got:
                add([Reason("version", f"_version {got} where PyTorch has {wanted}")])
        slots = self._gradients(stage, expected, actual, facts) if gradients else []
        self._compare_values(add, expected, actual, pairs)
        for name, adder, wanted, got in slots:
            adder(self._gradient_reasons(name, wanted, got))

    def _compare_values(
        self,
        add: Callable[[list[Reason]], None],
        expected: Attempt,
        actual: Attempt,
        pairs: list[tuple[Any, Any]],
    ) -> None:
        if self.reads_values:
            expected.read_values()
            actual.read_values()
        number = 0
        for wanted, got in pairs:
            if isinstance(wanted, Facts):
                add(fact_reasons(wanted, got, self.tolerance, self.precise.of("value", number)))
                number += 1
            elif self.reads_values:
                add(scalar_reasons(wanted, got))

    def _cotangents(self, tensors: list[Any], require_grad: bool) -> tuple[list[Any], list[Any]]:
        """Equal random gradients for both libraries; for the second order they require grad.

        Only then: PyTorch may return a view of what it was given, which then requires grad although
        no graph was asked for.
        """
        drawn = []
        for x in tensors:
            g = torch.randn(x.shape, generator=self.generator, dtype=torch.float64).to(x.dtype)
            if x.dtype.is_complex:
                g = g + 1j * torch.randn(x.shape, generator=self.generator).to(x.dtype)
            drawn.append(g.requires_grad_(require_grad))
        return (
            [build(self.oracle, g) for g in drawn],
            [build(self.subject, g) for g in drawn],
        )

    def _gradients(
        self, stage: str, expected: Attempt, actual: Attempt, facts: list[tuple[Facts, Facts]]
    ) -> list[tuple[str, Callable[[list[Reason]], None], list[Any], list[Any]]]:
        """First and second gradients, asked for in both libraries and not yet read."""
        both = [(w.tensor, g.tensor) for w, g in facts]
        shown = [n for n, (w, g) in enumerate(facts) if w.requires_grad and g.requires_grad]
        shown = [n for n in shown if both[n][0].shape == tuple(both[n][1].shape)]
        info, inputs = self.case.info, expected.differentiable()
        if not shown or not inputs or not info.supports_autograd:
            return []
        wanted_outs, got_outs = ([both[n][side] for n in shown] for side in (0, 1))
        twice = info.supports_gradgrad and stage == "call"
        cotangents = self._cotangents(wanted_outs, twice)
        asked = self.precise.asked = Asked(shown, cotangents[0], [], [])
        first = self._ask(
            "gradient", stage,
            (wanted_outs, inputs, cotangents[0]),
            (got_outs, actual.differentiable(), cotangents[1]),
            twice,
        )  # fmt: skip
        if first is None:
            return []
        slots = [("gradient", self._adder(stage), *first)]
        for n, (w, g) in enumerate(zip(*first, strict=True)):
            recorded = w is not None and g is not None and w.requires_grad and g.requires_grad
            if recorded and w.shape == tuple(g.shape):
                asked.pairs.append(n)
        if not twice or not asked.pairs:
            return slots
        wanted_grads, got_grads = ([grads[n] for n in asked.pairs] for grads in first)
        directions = self._cotangents(wanted_grads, False)
        asked.directions = directions[0]
        second = self._ask(
            "second", stage,
            (wanted_grads, inputs + cotangents[0], directions[0]),
            (got_grads, actual.differentiable() + cotangents[1], directions[1]),
            False,
        )  # fmt: skip
        if second is not None:
            slots.append(("second", self._adder(stage), *second))
        return slots

    def _ask(
        self, name: str, stage: str, expected: Any, actual: Any, create_graph: bool
    ) -> tuple[list[Any], list[Any]] | None:
        """`autograd.grad` in both libraries; None when either raises, which is compared here."""
        results: list[Any] = []
        errors: list[Exception | None] = []
        for library, (outs, inputs, cotangents) in zip((self.oracle, self.subject), (expected, actual), strict=True):
            try:
                results.append(
                    library.module.autograd.grad(outs, inputs, cotangents, create_graph=create_graph, allow_unused=True)
                )
                errors.append(None)
            except Exception as error:  # any exception is an outcome to compare
                results.append(None)
                errors.append(error)
        if errors == [None, None]:
            return list(results[0]), list(results[1])
        if not has_no_kernel(errors[0]):
            self._compare_errors(name if stage == "call" else stage, *errors)
        return None

    def _gradient_reasons(self, name: str, expected: list[Any], actual: list[Any]) -> list[Reason]:
        """None and zeros are one answer in the second order: which it is follows the formula."""
        reasons = []
        for number, (wanted, got) in enumerate(zip(expected, actual, strict=True)):
            if wanted is None and got is None:
                continue
            if wanted is None or got is None:
                library, present = (self.oracle, wanted) if got is None else (self.subject, got)
                if name == "second" and not bool(read(library, present).any()):
                    continue
                names = ["None" if x is None else "a tensor" for x in (got, wanted)]
                text = f"{names[0]} where PyTorch has {names[1]}"
                reasons.append(Reason(name, f"input {number}: {text}"))
                continue
            reasons += self._slot_reasons(name, number, wanted, got)
        return reasons

    def _slot_reasons(self, name: str, number: int, wanted: Any, got: Any) -> list[Reason]:
        shown = [(dtype_name(x.dtype), tuple(x.shape), bool(x.requires_grad)) for x in (wanted, got)]
        if shown[0] != shown[1]:
            return [Reason(name, f"{shown[1]} where PyTorch has {shown[0]}")]
        values = read(self.oracle, wanted), read(self.subject, got)
        return value_reason(name, *values, self.tolerance, self.precise.of(name, number))
