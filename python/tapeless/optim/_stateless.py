# A step of an optimizer on other parameters and another state than its own.
"""`swap_in_optimizer_params_and_state`."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tapeless import Tensor
from tapeless.optim.optimizer import Optimizer

__all__ = ["swap_in_optimizer_params_and_state"]

_NAME = "swap_in_optimizer_params_and_state"


def _check(optimizer: Optimizer, parameters: list[Tensor], packed: dict[str, Any]) -> None:
    """RuntimeError where what is swapped in has not the form of what it replaces."""
    groups = optimizer.param_groups
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    if not isinstance(packed.get("state"), dict):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be a dict mapping packed parameter ids to per-param "
            f"state dicts, got {type(packed.get('state')).__name__}."
        )
    given = packed.get("param_groups") or []
    if len(given) != len(groups):
        raise RuntimeError("swapin_optim_state has a different number of parameter groups than the live optimizer.")
    for at, (group, other) in enumerate(zip(groups, given, strict=True)):
        if len(group["params"]) != len(other["params"]):
            raise RuntimeError(
                f"swapin_optim_state param group {at} has a different number of params than the live optimizer param "
                "group."
            )
    if len(parameters) != sum(len(group["params"]) for group in groups):
        raise RuntimeError(f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering.")


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """A block in which an optimizer has other parameters, and the state and options of a state_dict.

    The parameters stand in the order of the optimizer's own. Writes into their tensors and those of the state stay
    when the block ends; all else that changes in the optimizer is forgotten.
    """
    parameters = list(swapin_parameters.values())
    _check(optimizer, parameters, swapin_optim_state)
    groups, state = [], defaultdict(dict)
    waiting = iter(parameters)
    for group in swapin_optim_state["param_groups"]:
        pairs = [(number, next(waiting)) for number in group["params"]]
        groups.append({**group, "params": [p for _, p in pairs]})
        for number, p in pairs:
            if number in swapin_optim_state["state"]:
                state[p] = dict(swapin_optim_state["state"][number])
    before = optimizer.param_groups, optimizer.state
    optimizer.param_groups, optimizer.state = groups, state
    try:
        yield
    finally:
        optimizer.param_groups, optimizer.state = before
