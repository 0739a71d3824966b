# torch.autograd.gradcheck: derivatives held against differences of values.
"""`gradcheck` compares a function's derivatives with central differences, `gradgradcheck` its second derivatives.

A complex number counts as the pair of its real and imaginary part, in inputs and in outputs, so that one real matrix of
derivatives says all there is: for a loss L the gradient by z is dL/d(Re z) + i dL/d(Im z).
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tapeless
from tapeless import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative does not agree with differences of values, or the check cannot be made."""


def _tensors(outputs: Any) -> tuple[Any, ...]:
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def _differentiable(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _outputs_of(func: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Tensor, ...]:
    """The outputs that ask for gradients."""
    return tuple(x for x in _tensors(func(*inputs)) if _differentiable(x))


def _parts(x: Tensor) -> Tensor:
    """A detached tensor's numbers in a row, complex ones as pairs."""
    x = x.detach()
    return (tapeless.view_as_real(x.resolve_conj()) if x.is_complex() else x).reshape(-1)


def _unit_steps(x: Tensor) -> Iterator[tuple[tuple[int, ...], Any]]:
    """For every real coordinate of a tensor, the place and the number 1 or i."""
    for flat in range(x.numel()):
        place, rest = [], flat
        for size in reversed(x.shape):
            place.append(rest % size)
            rest //= size
        for step in (1.0, 1.0j) if x.is_complex() else (1.0,):
            yield tuple(reversed(place)), step


class _Check:
    """A function, its inputs, and the tolerances."""

    def __init__(
        self, func: Callable[..., Any], inputs: Sequence[Any], eps: float, atol: float, rtol: float, nondet_tol: float
    ) -> None:
        self.func, self.inputs = func, inputs
        self.eps, self.atol, self.rtol, self.nondet_tol = eps, atol, rtol, nondet_tol
        self.places = [place for place, x in enumerate(inputs) if _differentiable(x)]
        self.by = [inputs[place] for place in self.places]
        self.first = _tensors(func(*inputs))
        self.wanted = [_differentiable(x) for x in self.first]
        self.outputs = tuple(x for x in self.first if _differentiable(x))

    def values(self) -> list[Tensor]:
        """The parts of the differentiable outputs at the present inputs."""
        now = _tensors(self.func(*self.inputs))  # with gradients, which a function may take itself
        return [_parts(x).clone() for x, is_wanted in zip(now, self.wanted, strict=True) if is_wanted]

    def difference(self, x: Tensor, move: Callable[[Tensor, float], None]) -> list[Tensor]:
        """Central differences of all outputs where `move` takes an input so far."""
        raw = x.data  # whose writes the graph does not count: the values are put back
        kept = raw.clone()
        both = []
        for far in (self.eps, -self.eps):
            move(raw, far)
            both.append(self.values())
            raw.copy_(kept)
        return [(up - down) / (2 * self.eps) for up, down in zip(*both, strict=True)]

    def numerical(self, place: int) -> list[Tensor]:
        """For each output a matrix: a row for each coordinate of an input, a column for each of the output."""
        x = self.by[place]
        rows = [self.difference(x, _moving(at, step)) for at, step in _unit_steps(x)]
        if not rows:
            return [tapeless.zeros((0, _parts(out).numel()), dtype=_parts(out).dtype) for out in self.outputs]
        return [tapeless.stack(column) for column in zip(*rows, strict=True)]

    def gradients(self, output: Tensor, weights: Tensor) -> list[Tensor]:
        """The gradients of an output for all inputs, zeros where there is none."""
        found = tapeless.autograd.grad(output, self.by, weights, retain_graph=True, allow_unused=True)
        return [tapeless.zeros_like(x) if g is None else g for g, x in zip(found, self.by, strict=True)]

    def analytical(self, output: Tensor) -> list[Tensor]:
        """For each input a matrix like the numerical one, from one backward for each coordinate of the output."""
        columns = []
        for at, step in _unit_steps(output):
            weights = tapeless.zeros_like(output.detach())
            weights[at] = step
            columns.append([_parts(g) for g in self.gradients(output, weights)])
        if not columns:
            return [tapeless.zeros((_parts(x).numel(), 0), dtype=_parts(x).dtype) for x in self.by]
        return [tapeless.stack(column, -1) for column in zip(*columns, strict=True)]

    def tangents(self, place: int) -> list[Tensor]:
        """For each output a matrix like the numerical one, from one tangent for each coordinate of an input."""
        rows = []
        for at, step in _unit_steps(self.by[place]):
            direction = tapeless.zeros_like(self.by[place].detach())
            direction[at] = step
            rows.append([_parts(x) for x in self.tangent(place, direction)])
        return [tapeless.stack(column) for column in zip(*rows, strict=True)]

    def tangent(self, place: int, direction: Tensor) -> list[Tensor]:
        """The outputs' tangents where one input moves in a direction."""

        def moved(x: Tensor) -> tuple[Tensor, ...]:
            inputs = list(self.inputs)
            inputs[self.places[place]] = x
            outputs = _tensors(self.func(*inputs))
            return tuple(out for out, is_wanted in zip(outputs, self.wanted, strict=True) if is_wanted)

        _, found = tapeless.func.jvp(moved, (self.by[place].detach(),), (direction,))
        return list(found)

    def close(self, a: Tensor, n: Tensor, scale: float = 1.0) -> bool:
        """Whether two matrices agree within the tolerances."""
        return tapeless.allclose(a, n.to(a.dtype), rtol=self.rtol, atol=self.atol * scale)


def _moving(at: tuple[int, ...], step: Any) -> Callable[[Tensor, float], None]:
    def move(raw: Tensor, far: float) -> None:
        raw[at] = raw[at] + step * far

    return move


def _mismatch(output: int, place: int, n: Tensor, a: Tensor, mode: str = "") -> GradcheckError:
    where = f"output {output:d} with respect to input {place:d}"
    return GradcheckError(f"Jacobian {mode}mismatch for {where},\nnumerical:{n}\nanalytical:{a}\n")


def _check_slowly(check: _Check, forward: bool, backward: bool) -> None:
    """Every coordinate of every output by every coordinate of every input."""
    numerical = [check.numerical(place) for place in range(len(check.by))]
    for i, output in enumerate(check.outputs):
        for place, a in enumerate(check.analytical(output) if backward else ()):
            if not check.close(a, numerical[place][i]):
                raise _mismatch(i, place, numerical[place][i], a)
    for place in range(len(check.by) if forward else 0):
        for i, a in enumerate(check.tangents(place)):
            if not check.close(a, numerical[place][i]):
                raise _mismatch(i, place, numerical[place][i], a, "computed with forward mode ")


def _random_like(x: Tensor, generator: Any) -> Tensor:
    """A random direction of length 1, in the real coordinates."""
    draw = tapeless.rand(x.shape, dtype=tapeless.float64, generator=generator) + 0.1
    if x.is_complex():
        draw = tapeless.complex(draw, tapeless.rand(x.shape, dtype=tapeless.float64, generator=generator) + 0.1)
    draw = draw.to(x.dtype)
    length = _parts(draw).norm()
    return draw / length.to(x.dtype) if draw.numel() else draw


def _check_fast(check: _Check, forward: bool, backward: bool) -> None:
    """One random direction of every input against one random weighting of every output."""
    generator = tapeless.Generator().manual_seed(0)
    weights = [_random_like(out.detach(), generator) for out in check.outputs]
    directions = [_random_like(x.detach(), generator) for x in check.by]
    for found in _fast_products(check, weights, directions, forward, backward):
        i, place, expected, product = found
        scale = (_parts(weights[i]).abs().sum() * _parts(directions[place]).abs().sum()).item()
        if not check.close(product, expected, scale):
            raise _mismatch_of_fast(check, forward, backward, found)


def _fast_products(
    check: _Check, weights: list[Tensor], directions: list[Tensor], forward: bool, backward: bool
) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """Output, input, and vᵀJu from differences and from derivatives, for every pair and every mode."""
    slopes = [check.gradients(out, w) if backward else [] for out, w in zip(check.outputs, weights, strict=True)]
    for place, (x, u) in enumerate(zip(check.by, directions, strict=True)):
        moved = check.difference(x, lambda raw, far, u=u: raw.add_(u, alpha=far))
        expected = [(_parts(w) * n).sum() for w, n in zip(weights, moved, strict=True)]
        if backward:
            for i, gradients in enumerate(slopes):
                yield i, place, expected[i], (_parts(gradients[place]) * _parts(u)).sum()
        if forward:
            for i, tangent in enumerate(check.tangent(place, u)):
                yield i, place, expected[i], (_parts(weights[i]) * _parts(tangent)).sum()


def _mismatch_of_fast(check: _Check, forward: bool, backward: bool, found: tuple[Any, ...]) -> GradcheckError:
    """The error of fast mode, which says what slow mode finds."""
    try:
        _check_slowly(check, forward, backward)
        slow = "Slow mode finds no difference beyond the tolerances: they may be too tight for fast mode."
    except GradcheckError as error:
        slow = f"In slow mode:\n{error}"
    told = "The above quantities relating the numerical and analytical jacobians are computed in fast mode."
    return GradcheckError(f"{_mismatch(*found)}\n{told} {slow}")


def _check_repeatable(check: _Check) -> None:
    """Backward gives the same again, within nondet_tol."""
    for output in check.outputs:
        weights = tapeless.ones_like(output.detach())
        once, again = check.gradients(output, weights), check.gradients(output, weights)
        for g, h in zip(once, again, strict=True):
            if g.numel() and not (_parts(g) - _parts(h)).abs().max() <= check.nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                    "gives different values, although analytical gradient matches numerical gradient. The tolerance "
                    f"for nondeterminism was {check.nondet_tol}."
                )


def _same_under_vmap(check: _Check, what: str, one: Callable[[Tensor], list[Tensor]], seeds: Tensor) -> None:
    """A function of a seed gives under vmap what it gives for one seed after another."""
    rows = [one(seed) for seed in seeds]
    try:
        together = tapeless.vmap(lambda seed: tuple(one(seed)))(seeds)
    except RuntimeError as error:
        raise GradcheckError(
            f"While computing batched gradients, got: {error}\ngradcheck or gradgradcheck failed while testing "
            "batched gradient computation."
        ) from error
    for place, (batch, singles) in enumerate(zip(together, zip(*rows, strict=True), strict=True)):
        if not tapeless.allclose(batch, tapeless.stack(list(singles)), rtol=check.rtol, atol=check.atol):
            raise GradcheckError(f"For {what} {place}: batched gradients differ from single ones")


def _two_like(x: Tensor) -> Tensor:
    return tapeless.stack([_random_like(x.detach(), None) for _ in range(2)])


def _check_batched(check: _Check) -> None:
    """Backward under vmap gives what it gives one by one."""
    for i, output in enumerate(check.outputs):
        one = functools.partial(check.gradients, output)
        _same_under_vmap(check, f"output {i} and input", one, _two_like(output))


def _check_batched_forward(check: _Check) -> None:
    """Tangents under vmap are what they are one by one."""
    for place, x in enumerate(check.by):
        one = functools.partial(check.tangent, place)
        _same_under_vmap(check, f"input {place} and output", one, _two_like(x))


def _check_dtypes(check: _Check) -> None:
    for output in check.outputs:
        for g, x in zip(check.gradients(output, tapeless.ones_like(output.detach())), check.by, strict=True):
            if g.dtype != x.dtype or g.layout != x.layout or g.device != x.device:
                raise GradcheckError(f"The gradient is {g.dtype} where the input is {x.dtype}")


def _check_inputs(inputs: Sequence[Any]) -> None:
    """ValueError where nothing asks for a gradient; warnings where differences would be too rough."""
    any_grad = False
    for place, x in enumerate(inputs):
        if not _differentiable(x):
            continue
        any_grad = True
        if x.dtype not in (tapeless.float64, tapeless.complex128):
            warnings.warn(
                f"Input #{place} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=4,
            )
        if not all(stride > 0 or size <= 1 for stride, size in zip(x.stride(), x.shape, strict=True)):
            raise RuntimeError(
                f"The {place}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )
    if not any_grad:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )


def _check_constant(check: _Check) -> None:
    """Where no output asks for gradients, none may depend on the inputs."""
    check.wanted = [isinstance(x, Tensor) and (x.is_floating_point() or x.is_complex()) for x in check.first]
    for x in check.by:
        for at, step in _unit_steps(x):
            if any(not tapeless.allclose(d, tapeless.zeros_like(d)) for d in check.difference(x, _moving(at, step))):
                raise GradcheckError("Numerical gradient for function expected to be zero")


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the derivatives of `func` at `inputs` agree with central differences of width 2 `eps`.

    Checked are the inputs and outputs that ask for gradients; inputs must be double (or complex128) to pass, and are
    moved in place. With `fast_mode` one random product vᵀJu of each pair is compared instead of all of J. A
    GradcheckError says which output and input differ, unless `raise_exception` is False. Backward runs from one output
    at a time, so that undefined gradients of the others are always part of the check (`check_undefined_grad`).
    `masked` is about sparse inputs, of which there are none.
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    inputs = _tensors(inputs)
    try:
        _check_inputs(inputs)
        check = _Check(func, inputs, eps, atol, rtol, nondet_tol)
        if not check.outputs:
            _check_constant(check)
            return True
        (_check_fast if fast_mode else _check_slowly)(check, check_forward_ad, check_backward_ad)
        if check_backward_ad:
            _check_repeatable(check)
        if check_batched_grad:
            _check_batched(check)
        if check_batched_forward_grad:
            _check_batched_forward(check)
        if check_grad_dtypes:
            _check_dtypes(check)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether second derivatives agree with differences: gradcheck of the gradient as a function of inputs and weights.

    `grad_outputs` weigh the outputs (None: random ones, not contiguous if `gen_non_contig_grad_outputs`).
    """
    inputs = _tensors(inputs)
    outputs = _outputs_of(func, inputs)
    if grad_outputs is None:
        weights = tuple(_weights_for(out, gen_non_contig_grad_outputs) for out in outputs)
    else:
        weights = _tensors(grad_outputs)
    count = len(weights)

    def gradient(*args: Any) -> tuple[Tensor, ...]:
        given, given_weights = args[: len(args) - count], args[len(args) - count :]
        results = _outputs_of(func, given)
        by = tuple(x for x in given if _differentiable(x))
        found = tapeless.autograd.grad(results, by, given_weights, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradient,
        inputs + weights,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )


def _weights_for(output: Tensor, scattered: bool) -> Tensor:
    """Random weights of an output, as leaves."""
    kind = output.dtype if output.is_floating_point() or output.is_complex() else tapeless.float64
    weights = tapeless.randn(output.shape, dtype=kind, device=output.device) * 0.5 + 1
    if scattered:
        weights = tapeless.stack([weights, weights], -1)[..., 0]
    return weights.detach().requires_grad_()
