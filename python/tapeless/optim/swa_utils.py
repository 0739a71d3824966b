# Averages of a model's weights along its training.
"""Stochastic weight averaging and moving averages.

P. Izmailov and others, *Averaging Weights Leads to Wider Optima and Better Generalization*, UAI 2018; the exponential
mean is B. T. Polyak's and A. B. Juditsky's idea with forgetting.
"""

import copy
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import tapeless as torch
from tapeless import Tensor
from tapeless.nn import Module
from tapeless.optim.lr_scheduler import LRScheduler, _format_param
from tapeless.optim.lr_scheduler.cycles import ANNEALING, check_annealing
from tapeless.optim.optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Tensor]:
    """(mean, new, count) → decay·mean + (1-decay)·new."""
    _check_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable[..., Tensor]:
    """(mean, new, count) → mean + (new - mean)/(count + 1), the mean of all."""

    @torch.no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def _in_place(update: Callable[..., Tensor]) -> Callable[..., None]:
    """An average of one tensor as one of lists, written into the first."""

    @torch.no_grad()
    def multi_update(averaged_list: list[Tensor], current_list: list[Tensor], num_averaged: Any) -> None:
        for averaged, current in zip(averaged_list, current_list, strict=True):
            averaged.copy_(update(averaged, current, num_averaged))

    return multi_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """`get_ema_avg_fn` for lists of tensors, in place."""
    return _in_place(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """`get_swa_avg_fn` for lists of tensors, in place."""
    return _in_place(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose parameters are means of the model's at every `update_parameters`.

    The mean is that of all, or by `avg_fn(mean, new, count)`, `multi_avg_fn(means, news, count)`. Buffers are averaged
    with use_buffers=True, else copied.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[..., Tensor] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", torch.tensor(0, dtype=torch.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The averaged model's answer."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take a model's present parameters into the means."""
        ours, theirs = self.module, model
        buffers = (ours.buffers(), theirs.buffers())
        means = list(itertools.chain(ours.parameters(), buffers[0] if self.use_buffers else ()))
        news = list(itertools.chain(theirs.parameters(), buffers[1] if self.use_buffers else ()))
        with torch.no_grad():
            fresh = [new.detach().to(mean.device) for mean, new in zip(means, news, strict=False)]
            if self.n_averaged == 0:
                for mean, new in zip(means, fresh, strict=True):
                    mean.copy_(new)
            else:
                self._average([mean.detach() for mean in means], fresh)
            if not self.use_buffers:
                for ours_buffer, theirs_buffer in zip(*buffers, strict=False):
                    ours_buffer.detach().copy_(theirs_buffer.detach())
            self.n_averaged += 1

    def _average(self, means: list[Tensor], news: list[Tensor]) -> None:
        average = self.multi_avg_fn
        if average is None:
            average = _in_place(self.avg_fn if self.avg_fn is not None else get_swa_avg_fn())
        if self.multi_avg_fn is not None or self.avg_fn is not None:
            average(means, news, self.n_averaged)
            return
        floating = [mean.is_floating_point() or mean.is_complex() for mean in means]
        kept = [pair for pair, is_floating in zip(zip(means, news, strict=True), floating, strict=True) if is_floating]
        average([mean for mean, _ in kept], [new for _, new in kept], self.n_averaged)


@torch.no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch normalisations anew, over all batches of a loader.

    A batch that is a list or tuple gives its first element to the model.
    """
    layers = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    was_training = model.training
    model.train()
    for batch in loader:
        first = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(first if device is None else first.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Anneals the rates to swa_lr in anneal_epochs epochs, by a cosine or evenly, and keeps them there."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, lr in zip(optimizer.param_groups, _format_param("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = lr
        check_annealing(anneal_strategy)
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The learning rates of epoch `last_epoch`, from what the present ones say of the first."""
        self._warn_if_called_from_outside()
        step, count = self._step_count - 1, max(1, self.anneal_epochs)
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (self._share(max(0, min(1, s / count))) for s in (step - 1, step))
        return [self._next(group, before, now) for group in self.optimizer.param_groups]

    def _share(self, t: float) -> float:
        return ANNEALING[self._anneal_strategy](0.0, 1.0, t)

    def _next(self, group: dict[str, Any], before: float, now: float) -> Any:
        """The rate at share `now` of the way from a first rate that is inferred from the one at `before`."""
        target, lr = group["swa_lr"], group["lr"]
        first = target if before == 1 else (lr - before * target) / (1 - before)
        return target * now + first * (1 - now)
