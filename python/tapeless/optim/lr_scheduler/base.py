# What all schedules share: counting epochs, writing learning rates into groups, checkpoints.
"""The base class `LRScheduler`.

A schedule says in `get_lr` what follows from the present learning rates, so that several may act on one optimizer, and
in `_get_closed_form_lr`, where it has one, what an epoch's rates are by themselves.
"""

import functools
import types
import warnings
import weakref
from typing import Any

from tapeless import Tensor
from tapeless.optim.optimizer import Optimizer

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed "
    "form is used instead of the new chainable form, where available. Please open an issue if you are unable to "
    "replicate your use case: https://github.com/pytorch/pytorch/issues/new/choose."
)
_SEE = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


def check_optimizer(optimizer: Any) -> None:
    """TypeError for what is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _param_groups_val_list(optimizer: Optimizer, key: str) -> list[Any]:
    """An option of each group; tensors as copies."""
    return [_copied(group[key]) for group in optimizer.param_groups]


def _update_param_group_val(param_group: dict[str, Any], key: str, val: Any) -> None:
    """Set an option of a group, in place where it is a tensor."""
    if isinstance(param_group[key], Tensor):
        param_group[key].fill_(val)
    else:
        param_group[key] = val


def _format_param(name: str, optimizer: Optimizer, param: Any) -> list[Any]:
    """One value for each group, of a list with as many or of one for all."""
    count = len(optimizer.param_groups)
    if not isinstance(param, (list, tuple)):
        return [_copied(param) for _ in range(count)]
    if len(param) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(param)} values, "
            f"param_groups has {count}."
        )
    return [_copied(value) for value in param]


def _watch(optimizer: Any) -> None:
    """Let the optimizer remember that it made a step."""
    step = optimizer.step
    if hasattr(step, "_wrapped_by_lr_sched") or not isinstance(step, types.MethodType):
        return
    function, reference = step.__func__, weakref.ref(optimizer)

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        owner = reference()
        owner._opt_called = True
        return function.__get__(owner, type(owner))(*args, **kwargs)

    watched._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = watched


class _enable_get_lr_call:
    """A block in which `get_lr` is called by the schedule itself, so without a warning."""

    def __init__(self, o: "LRScheduler") -> None:
        self.o = o

    def __enter__(self) -> "_enable_get_lr_call":
        self.o._get_lr_called_within_step = True
        return self

    def __exit__(self, *_: object) -> None:
        self.o._get_lr_called_within_step = False


class _initial_mode:
    """A block in which the first learning rates are set."""

    def __init__(self, o: "LRScheduler") -> None:
        self.o = o

    def __enter__(self) -> None:
        self.o._is_initial = True

    def __exit__(self, *_: object) -> None:
        self.o._is_initial = False


class LRScheduler:
    """Base of all schedules. `last_epoch=-1` begins anew; another one resumes, and needs `initial_lr` in each group."""

    _get_lr_called_within_step: bool = False
    _is_initial: bool = False
    _step_count: int
    last_epoch: int
    base_lrs: list[Any]
    optimizer: Optimizer

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for at, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{at}] when resuming scheduler with "
                    "last_epoch >= 0.\nThis typically happens when:\n1. You're trying to resume training from a "
                    "checkpoint but haven't properly loaded the optimizer state\n2. You're using last_epoch >= 0 for "
                    "a fresh training run (not recommended)"
                )
        self.base_lrs = _param_groups_val_list(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _watch(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the first rates and count them as a step."""
        self._step_count = 0
        with _initial_mode(self):
            self.step()

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on: every attribute but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state_dict. The optimizer's is loaded by itself."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The learning rates that were set last, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The learning rates of epoch `last_epoch`; each schedule has its own."""
        raise NotImplementedError(f"{type(self).__name__}: a subclass of LRScheduler writes get_lr() itself")

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or to `epoch`, which is deprecated) and set its learning rates."""
        if self._step_count == 1:
            self._warn_of_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _warn_of_order(self) -> None:
        if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
            message = (
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                "Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. "
            )
            warnings.warn(message + _SEE, UserWarning, stacklevel=3)
        elif not getattr(self.optimizer, "_opt_called", False):
            message = (
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you "
                "should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to "
                "do this will result in PyTorch skipping the first value of the learning rate schedule. "
            )
            warnings.warn(message + _SEE, UserWarning, stacklevel=3)

    def _update_lr(self, epoch: int | None = None) -> None:
        with _enable_get_lr_call(self):
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            closed = getattr(self, "_get_closed_form_lr", None) if epoch is not None else None
            values = self.get_lr() if closed is None else closed()
        self._set(values)

    def _set(self, values: list[Any]) -> None:
        """Write learning rates into the groups."""
        for group, lr in zip(self.optimizer.param_groups, values, strict=False):
            _update_param_group_val(group, "lr", lr)
        self._last_lr = _param_groups_val_list(self.optimizer, "lr")

    # --- What schedules write get_lr with ---

    def _warn_if_called_from_outside(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def _scaled(self, factor: float = 1.0) -> list[Any]:
        """The present learning rates times a factor."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]


class _LRScheduler(LRScheduler):
    """The name that LRScheduler had before it was public; programs still subclass it."""


def _warn_get_lr_called_within_step(lr_scheduler: LRScheduler) -> None:
    """Warn if `get_lr` is called by anyone but the schedule's step."""
    lr_scheduler._warn_if_called_from_outside()


def without(state: dict[str, Any], *names: str) -> dict[str, Any]:
    """A state without some of its entries."""
    return {key: value for key, value in state.items() if key not in names}


def stored(function: Any) -> Any:
    """What a checkpoint keeps of a function: nothing, or the attributes of a callable object."""
    return None if function is None or isinstance(function, types.FunctionType) else dict(function.__dict__)
