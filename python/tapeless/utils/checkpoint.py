# torch.utils.checkpoint: values computed again in backward instead of being kept.
"""Activation checkpointing (Chen, Xu, Zhang, Guestrin: Training Deep Nets with Sublinear Memory Cost, 2016).

What a function saves for its derivative is not kept; backward runs the function again, with the same random numbers.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import tapeless
from tapeless.autograd.graph import saved_tensors_hooks

__all__ = ["CheckpointError", "CheckpointFunction", "checkpoint", "checkpoint_sequential", "noop_context_fn"]


class CheckpointError(RuntimeError):
    """The second run of a function saved other values than the first."""


class _Enough(Exception):
    """Ends a second run that has saved everything."""


def noop_context_fn() -> tuple[Any, Any]:
    """Contexts for the first and the second run that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def _random_numbers_from(state: Any) -> Iterator[None]:
    """Draw as from this state of the generator, and put back what was there."""
    before = tapeless.get_rng_state()
    if state is not None:
        tapeless.set_rng_state(state)
    try:
        yield
    finally:
        if state is not None:
            tapeless.set_rng_state(before)


class _Run:
    """What a function saves: places at first, the values when backward asks for one."""

    def __init__(self, again: Callable[[], Any], early_stop: bool, compares: bool) -> None:
        self.again, self.early_stop, self.compares = again, early_stop, compares
        self.shapes: list[Any] = []
        self.values: dict[int, Any] = {}

    def pack(self, x: Any) -> int:
        self.shapes.append((x.shape, x.dtype))
        return len(self.shapes) - 1

    def unpack(self, place: int) -> Any:
        if place not in self.values:
            self.values = {}
            self._compute()
        return self.values.pop(place)

    def _compute(self) -> None:
        count = 0

        def pack(x: Any) -> Any:
            nonlocal count
            if count >= len(self.shapes) or (self.compares and (x.shape, x.dtype) != self.shapes[count]):
                first = self.shapes[count] if count < len(self.shapes) else "nothing"
                raise CheckpointError(
                    "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                    f"during the forward pass: place {count} held {first}, and now {(x.shape, x.dtype)}"
                )
            self.values[count] = x.detach()
            count += 1
            if self.early_stop and count == len(self.shapes):
                raise _Enough
            return x.detach()

        with contextlib.suppress(_Enough), tapeless.enable_grad(), saved_tensors_hooks(pack, lambda x: x):
            self.again()
        if count != len(self.shapes):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation: {len(self.shapes)}, then {count}"
            )


class CheckpointFunction(tapeless.autograd.Function):
    """The re-entrant way: the function runs without a graph, and backward builds one and goes through it."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        """The function's result, without a graph."""
        ctx.function, ctx.state = function, tapeless.get_rng_state() if preserve else None
        ctx.places = [i for i, x in enumerate(args) if isinstance(x, tapeless.Tensor)]
        ctx.others = [None if i in ctx.places else x for i, x in enumerate(args)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        with tapeless.no_grad():
            return function(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Runs the function again with a graph, and gives the gradients of its tensors."""
        args = list(ctx.others)
        for place, x in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[place] = x.detach().requires_grad_(x.requires_grad)
        with tapeless.enable_grad(), _random_numbers_from(ctx.state):
            outputs = ctx.function(*args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [
            (y, g)
            for y, g in zip(outputs, gradients, strict=True)
            if isinstance(y, tapeless.Tensor) and y.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        tapeless.autograd.backward([y for y, _ in pairs], [g for _, g in pairs])
        return (None, None, *(x.grad if isinstance(x, tapeless.Tensor) else None for x in args))


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), of which nothing is kept for backward but the arguments; backward runs it again.

    use_reentrant=False works with everything; True (the default, with a warning) needs a tensor argument that requires
    grad, and `backward` instead of `autograd.grad`. The generator's state is kept for the second run unless
    preserve_rng_state=False. The second run has to save tensors of the shapes and dtypes of the first, unless
    determinism_check="none". `debug` adds nothing to that error.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. use_reentrant=False is "
            "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn:
            raise ValueError("Passing `context_fn` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    if not tapeless.is_grad_enabled():
        return function(*args, **kwargs)
    first, second = context_fn()
    state = tapeless.get_rng_state() if preserve else None

    def again() -> Any:
        with _random_numbers_from(state), second:
            return function(*args, **kwargs)

    run = _Run(again, early_stop, compares=determinism_check == "default")
    with saved_tensors_hooks(run.pack, run.unpack), first:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The functions one after another, in segments of which each but the last is a checkpoint."""
    steps = list(functions.children() if hasattr(functions, "children") else functions)
    size = len(steps) // segments

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def segment(x: Any) -> Any:
            for step in steps[start:end]:
                x = step(x)
            return x

        return segment

    last = 0
    for start in range(0, size * (segments - 1), size):
        last = start + size
        input = checkpoint(run(start, last), input, use_reentrant=use_reentrant, **kwargs)
    return run(last, len(steps))(input)
