# Schedules that come back: triangles, one cycle, a cosine with restarts.
"""Cyclical schedules, which may move the momentum against the learning rate."""

import math
from collections.abc import Callable
from typing import Any

from tapeless.optim.lr_scheduler.base import (
    LRScheduler,
    _enable_get_lr_call,
    _format_param,
    _update_param_group_val,
    check_optimizer,
    stored,
    without,
)
from tapeless.optim.optimizer import Optimizer


def _set_momentum(group: dict[str, Any], use_beta1: bool, value: float) -> None:
    """The momentum of a group, or the first of its betas."""
    if use_beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def _uses_beta1(optimizer: Optimizer, option: str) -> bool:
    """Whether the optimizer's momentum is called betas[0]; ValueError where it has none."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(f"optimizer must support momentum or beta1 with `{option}` option enabled")
    return "betas" in optimizer.defaults


class CyclicLR(LRScheduler):
    """Triangles between base_lr and max_lr, step_size_up iterations up and step_size_down down.

    The height of later cycles: the same ("triangular"), half of the last ("triangular2"), gamma ^ iteration
    ("exp_range"), or `scale_fn` of the cycle or the iteration (`scale_mode`). L. N. Smith, *Cyclical Learning Rates
    for Training Neural Networks*, WACV 2017.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = _format_param("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                _update_param_group_val(group, "lr", lr)
        self.max_lrs = _format_param("max_lr", optimizer, max_lr)
        up, down = float(step_size_up), float(step_size_up if step_size_down is None else step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None or mode != "exp_range" else "iterations"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _begin_momentum(self, base_momentum: Any, max_momentum: Any, last_epoch: int) -> None:
        self.use_beta1 = _uses_beta1(self.optimizer, "cycle_momentum")
        self.base_momentums = _format_param("base_momentum", self.optimizer, base_momentum)
        self.max_momentums = _format_param("max_momentum", self.optimizer, max_momentum)
        if last_epoch != -1:
            return
        bounds = zip(self.max_momentums, self.base_momentums, strict=True)
        for (most, least), group in zip(bounds, self.optimizer.param_groups, strict=True):
            _set_momentum(group, self.use_beta1, most)
            group["max_momentum"] = most
            group["base_momentum"] = least

    def scale_fn(self, x: float) -> float:
        """The height of a cycle, by its number from 1 on or by the iteration."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[Any]:
        """The learning rates of iteration `last_epoch`; sets the momenta too."""
        self._warn_if_called_from_outside()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        factor = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for (least, most), group in zip(bounds, self.optimizer.param_groups, strict=True):
                _set_momentum(group, self.use_beta1, most - (most - least) * height * factor)
        return [low + (high - low) * height * factor for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """The state; of a callable object for scale_fn its attributes, of a function nothing."""
        state = without(self.__dict__, "optimizer", "_scale_fn_custom")
        return {**state, "_scale_fn_custom": stored(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state_dict; scale_fn stays that of this schedule."""
        self.__dict__.update(without(state_dict, "_scale_fn_custom"))
        attributes = state_dict.get("_scale_fn_custom")
        if attributes is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(attributes)


def _cosine(start: Any, end: Any, share: float) -> Any:
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def _straight(start: Any, end: Any, share: float) -> Any:
    return (end - start) * share + start


ANNEALING: dict[str, Callable[[Any, Any, float], Any]] = {"cos": _cosine, "linear": _straight}


def check_annealing(strategy: str) -> None:
    """ValueError for a way between two rates that there is not."""
    if strategy not in ANNEALING:
        raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {strategy}")


def _positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")


def _phase(end_step: float, lrs: tuple[str, str], momenta: tuple[str, str]) -> dict[str, Any]:
    """A part of the cycle: its last step, and the group's options between which rates and momenta move."""
    return {
        "end_step": end_step,
        "start_lr": lrs[0],
        "end_lr": lrs[1],
        "start_momentum": momenta[0],
        "end_momentum": momenta[1],
    }


class OneCycleLR(LRScheduler):
    """Up from max_lr/div_factor to max_lr in the first pct_start of the steps, then down to 1/final_div_factor of that.

    With three_phase, down as far as it went up and then to the end. L. N. Smith and N. Topin, *Super-Convergence: Very
    Fast Training of Neural Networks Using Large Learning Rates*, 2018.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if total_steps is not None:
            _positive("total_steps", total_steps)
            self.total_steps = total_steps
        elif epochs is not None and steps_per_epoch is not None:
            _positive("epochs", epochs)
            _positive("steps_per_epoch", steps_per_epoch)
            self.total_steps = epochs * steps_per_epoch
        else:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        self._schedule_phases = self._phases(pct_start, three_phase)
        check_annealing(anneal_strategy)
        self._anneal_func_type = anneal_strategy
        if last_epoch == -1:
            for lr, group in zip(_format_param("max_lr", optimizer, max_lr), optimizer.param_groups, strict=True):
                group["initial_lr"] = lr / div_factor
                group["max_lr"] = lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _phases(self, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
        last = self.total_steps - 1
        first = _phase(
            float(pct_start * self.total_steps) - 1, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum")
        )
        if not three_phase:
            return [first, _phase(last, ("max_lr", "min_lr"), ("base_momentum", "max_momentum"))]
        middle = float(2 * pct_start * self.total_steps) - 2
        return [
            first,
            _phase(middle, ("max_lr", "initial_lr"), ("base_momentum", "max_momentum")),
            _phase(last, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")),
        ]

    def _begin_momentum(self, base_momentum: Any, max_momentum: Any, last_epoch: int) -> None:
        self.use_beta1 = _uses_beta1(self.optimizer, "cycle_momentum")
        if last_epoch != -1:
            return
        most = _format_param("max_momentum", self.optimizer, max_momentum)
        least = _format_param("base_momentum", self.optimizer, base_momentum)
        for high, low, group in zip(most, least, self.optimizer.param_groups, strict=True):
            _set_momentum(group, self.use_beta1, high)
            group["max_momentum"] = high
            group["base_momentum"] = low

    def get_lr(self) -> list[Any]:
        """The learning rates of step `last_epoch`; sets the momenta too. ValueError after the last step."""
        self._warn_if_called_from_outside()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        begin: float = 0
        phase = self._schedule_phases[-1]
        for earlier in self._schedule_phases[:-1]:
            if step <= earlier["end_step"]:
                phase = earlier
                break
            begin = earlier["end_step"]
        share = (step - begin) / (phase["end_step"] - begin)
        anneal = ANNEALING[self._anneal_func_type]
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                ends = group[phase["start_momentum"]], group[phase["end_momentum"]]
                _set_momentum(group, self.use_beta1, anneal(*ends, share))
        return [anneal(group[phase["start_lr"]], group[phase["end_lr"]], share) for group in groups]


class CosineAnnealingWarmRestarts(LRScheduler):
    """A cosine from base_lr to eta_min in T_0 epochs, begun anew each time, each T_mult times as long as the last.

    I. Loshchilov and F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017. `step` may be called
    with fractions of an epoch.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The learning rates T_cur epochs after the last restart."""
        self._warn_if_called_from_outside()
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to `epoch`, which may be a fraction."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            self._restart_for(epoch)
        self.last_epoch = math.floor(epoch)
        with _enable_get_lr_call(self):
            self._set(self.get_lr())

    def _restart_for(self, epoch: float) -> None:
        """Which restart an epoch belongs to, how long it is, and how far the epoch is in it."""
        if epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
