# L-BFGS: quasi-Newton steps from the last differences of points and gradients.
"""J. Nocedal and S. J. Wright, *Numerical Optimization*, 2nd edition, 2006: algorithms 7.4 and 7.5.

The line search is theirs too (algorithms 3.5 and 3.6, interpolation 3.59), with the safeguards and constants of
M. Schmidt's minFunc, 2005, which PyTorch took over; so do steps, evaluations and state agree with it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tapeless as torch
from tapeless import Tensor
from tapeless.optim.formula import check
from tapeless.optim.optimizer import Optimizer, ParamsT, _get_value, _to_scalar

__all__ = ["LBFGS"]


class _Point(NamedTuple):
    """A point of a line: its place, the function there, the gradient, and the slope along the line."""

    t: Any
    f: Any
    g: Any
    slope: Any


def _cubic_interpolate(
    x1: Any, f1: Any, g1: Any, x2: Any, f2: Any, g2: Any, bounds: tuple[Any, Any] | None = None
) -> Any:
    """The minimum of the cubic with these values and slopes at x1 and x2, kept within the bounds; else their middle."""
    least, most = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (least + most) / 2.0
    d2 = square**0.5
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        place = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(place, least), most)


def _between(a: _Point, b: _Point, bounds: tuple[Any, Any] | None = None) -> Any:
    return _cubic_interpolate(a.t, a.f, a.slope, b.t, b.f, b.slope, bounds)


class _Line:
    """A function along x + t·d, its evaluations counted, with the two conditions of Wolfe from the point t = 0."""

    def __init__(self, objective: Callable[..., Any], x: Any, d: Tensor, start: _Point, c1: float, c2: float) -> None:
        self.objective, self.x, self.d, self.start, self.c1, self.c2 = objective, x, d, start, c1, c2
        self.evaluations = 0

    def at(self, t: Any) -> _Point:
        f, g = self.objective(self.x, t, self.d)
        self.evaluations += 1
        return _Point(t, f, g.clone(), g.dot(self.d))

    def too_high(self, point: _Point) -> bool:
        return bool(point.f > self.start.f + self.c1 * point.t * self.start.slope)

    def is_flat(self, point: _Point) -> bool:
        return bool(abs(point.slope) <= -self.c2 * self.start.slope)


def _bracket(line: _Line, t: Any, max_ls: int) -> tuple[list[_Point], int]:
    """Walk along the line until one point fulfils the conditions (alone in the list) or two enclose such points."""
    before, point = line.start, line.at(t)
    for count in range(max_ls):
        if line.too_high(point) or (count > 1 and point.f >= before.f):
            return [before, point], count
        if line.is_flat(point):
            return [point], count
        if point.slope >= 0:
            return [before, point], count
        bounds = (point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, line.at(_between(before, point, bounds))
    return [line.start, point], max_ls


def _inside(ends: list[_Point], stuck: bool) -> tuple[Any, bool]:
    """Where to look between two points, off the ends if the last time brought little; whether this is little too."""
    t = _between(*ends)
    least, most = min(e.t for e in ends), max(e.t for e in ends)
    margin = 0.1 * (most - least)
    if not min(most - t, t - least) < margin:
        return t, False
    if not (stuck or t >= most or t <= least):
        return t, True
    return (most - margin if abs(t - most) < abs(t - least) else least + margin), False


def _strong_wolfe(
    obj_func: Callable[..., Any],
    x: Any,
    t: Any,
    d: Tensor,
    f: Any,
    g: Tensor,
    gtd: Any,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[Any, Tensor, Any, int]:
    """A step along d that fulfils the strong conditions of Wolfe: (f, g, t, number of evaluations) there.

    `obj_func(x, t, d)` returns the value and the flat gradient at x + t·d; f, g and gtd = g·d are those at x.
    """
    line = _Line(obj_func, x, d, _Point(0, f, g.clone(), gtd), c1, c2)
    extent = d.abs().max()
    ends, count = _bracket(line, t, max_ls)
    low, high = (0, -1) if ends[0].f <= ends[-1].f else (1, 0)
    if len(ends) == 1:
        low = high = 0
    done, stuck = len(ends) == 1, False
    while not done and count < max_ls and not abs(ends[1].t - ends[0].t) * extent < tolerance_change:
        t, stuck = _inside(ends, stuck)
        point = line.at(t)
        count += 1
        if line.too_high(point) or point.f >= ends[low].f:
            ends[high] = point
            low, high = (0, 1) if ends[0].f <= ends[1].f else (1, 0)
            continue
        done = line.is_flat(point)
        if not done and point.slope * (ends[high].t - ends[low].t) >= 0:
            ends[high] = ends[low]
        ends[low] = point
    best = ends[low]
    return best.f, best.g, best.t, line.evaluations


class _Memory:
    """The last differences of gradients y and of points s, which stand for the inverse of the Hessian."""

    def __init__(self, state: dict[str, Any], size: int) -> None:
        self.ys: list[Tensor] = state.get("old_dirs") or []
        self.ss: list[Tensor] = state.get("old_stps") or []
        self.rhos: list[Tensor] = state.get("ro") or []
        self.scale: Any = state.get("H_diag", 1)
        self.alphas: list[Any] = state.get("al") or []
        self.size = size

    def learn(self, y: Tensor, s: Tensor) -> None:
        """Remember a step, if the curvature along it is positive."""
        curvature = y.dot(s)
        if not curvature > 1e-10:
            return
        if len(self.ys) == self.size:
            for old in (self.ys, self.ss, self.rhos):
                old.pop(0)
        self.ys.append(y)
        self.ss.append(s)
        self.rhos.append(1.0 / curvature)
        self.scale = curvature / y.dot(y)

    def direction(self, g: Tensor) -> Tensor:
        """Minus the inverse Hessian times g, by the two loops of algorithm 7.4."""
        q = -g
        self.alphas = [None] * self.size
        for i in range(len(self.ys) - 1, -1, -1):
            self.alphas[i] = self.ss[i].dot(q) * self.rhos[i]
            q = q - self.ys[i] * self.alphas[i]
        r = q * self.scale
        for i, (y, s) in enumerate(zip(self.ys, self.ss, strict=True)):
            r = r + s * (self.alphas[i] - y.dot(r) * self.rhos[i])
        return r


class LBFGS(Optimizer):
    """L-BFGS for one group of parameters; `step` needs a closure that computes the loss and its gradients.

    Each step makes up to `max_iter` iterations, with a fixed rate `lr` or `line_search_fn="strong_wolfe"`, until the
    gradient is below `tolerance_grad` or the progress below `tolerance_change`, or after `max_eval` evaluations
    (5/4 of max_iter by default).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        check("learning rate", lr, lr >= 0.0)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The parameters are those of the one group."""
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    def _flat(self, tensors: list[Tensor]) -> Tensor:
        """All numbers in one vector, complex ones as pairs."""
        return torch.cat([(torch.view_as_real(t) if t.is_complex() else t).reshape(-1) for t in tensors])

    def _gather_flat_grad(self) -> Tensor:
        return self._flat([torch.zeros_like(p) if p.grad is None else p.grad for p in self._params])

    def _add_grad(self, step_size: Any, update: Tensor) -> None:
        """Move the parameters by step_size * update, a vector of all of them."""
        at = 0
        for p in self._params:
            real = torch.view_as_real(p) if p.is_complex() else p
            real.add_(update[at : at + real.numel()].view_as(real), alpha=float(step_size))
            at += real.numel()

    def _clone_param(self) -> list[Tensor]:
        return [p.clone(memory_format=torch.contiguous_format) for p in self._params]

    def _set_param(self, params_data: list[Tensor]) -> None:
        for p, data in zip(self._params, params_data, strict=True):
            p.copy_(data)

    def _directional_evaluate(
        self, closure: Callable[[], Any], x: list[Tensor], t: Any, d: Tensor
    ) -> tuple[float, Tensor]:
        self._add_grad(t, d)
        loss = float(_get_value(closure()))
        gradient = self._gather_flat_grad()
        self._set_param(x)
        return loss, gradient

    def _first_rate(self, g: Tensor, lr: Any) -> Any:
        """The first step is no longer than lr, in the sum of all changes."""
        return min(1.0, 1.0 / g.abs().sum()) * lr

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Up to max_iter iterations; returns the loss before them."""
        group = self.param_groups[0]
        evaluate = torch.enable_grad()(closure)
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        before = evaluate()
        state["func_evals"] += 1
        g = self._gather_flat_grad()
        if g.abs().max() <= group["tolerance_grad"]:
            return before
        self._iterate(group, state, evaluate, float(_get_value(before)), g)
        return before

    def _iterate(
        self, group: dict[str, Any], state: dict[str, Any], closure: Callable[[], Any], loss: Any, g: Tensor
    ) -> None:
        lr, tolerance = _to_scalar(group["lr"]), group["tolerance_change"]
        memory = _Memory(state, group["history_size"])
        d, t, last_g, last_loss = (state.get(name) for name in ("d", "t", "prev_flat_grad", "prev_loss"))
        evaluations = 1
        for count in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d, t = -g, self._first_rate(g, lr)
            else:
                memory.learn(g - last_g, d * t)
                d, t = memory.direction(g), lr
            last_g, last_loss = g.clone(), loss
            slope = g.dot(d)
            if slope > -tolerance:
                break
            is_last = count == group["max_iter"]
            loss, g, t, used = self._search(group, closure, t, d, _Point(0, loss, g, slope), is_last)
            evaluations += used
            state["func_evals"] += used
            small = g.abs().max() <= group["tolerance_grad"] if used else False
            if is_last or evaluations >= group["max_eval"] or small:
                break
            if (d * t).abs().max() <= tolerance or abs(loss - last_loss) < tolerance:
                break
        state.update(d=d, t=t, old_dirs=memory.ys, old_stps=memory.ss, ro=memory.rhos, H_diag=memory.scale)
        state.update(prev_flat_grad=last_g, prev_loss=last_loss)
        if memory.alphas:
            state["al"] = memory.alphas

    def _search(
        self, group: dict[str, Any], closure: Callable[[], Any], t: Any, d: Tensor, start: _Point, is_last: bool
    ) -> tuple[Any, Tensor, Any, int]:
        """Go along d, by the line search or by t: the loss, the gradient, the rate, and the evaluations made.

        The last of a step's fixed rates is not evaluated: the next step begins with that.
        """
        if group["line_search_fn"] is None:
            self._add_grad(t, d)
            if is_last:
                return start.f, start.g, t, 0
            with torch.enable_grad():
                loss = float(_get_value(closure()))
            return loss, self._gather_flat_grad(), t, 1
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        x = self._clone_param()

        def objective(x: list[Tensor], t: Any, d: Tensor) -> tuple[float, Tensor]:
            return self._directional_evaluate(closure, x, t, d)

        f, g, t, used = _strong_wolfe(objective, x, t, d, start.f, start.g, start.slope)
        self._add_grad(t, d)
        return f, g, t, used
