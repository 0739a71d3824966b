# torch.nn: parameters, modules, their functions and initial values.
"""Building blocks of neural networks."""

from typing import Any

from tapeless.nn import functional, grad, init, modules, parallel, parameter, utils
from tapeless.nn.modules import *  # noqa: F403
from tapeless.nn.modules.linear_cross_entropy_options import LinearCrossEntropyOptions
from tapeless.nn.parallel import DataParallel
from tapeless.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter


def factory_kwargs(kwargs: Any) -> dict[str, Any]:
    """The device, dtype and memory_format among keyword arguments, with those of their `factory_kwargs` filled in."""
    if kwargs is None:
        return {}
    simple = {"device", "dtype", "memory_format"}
    unexpected = kwargs.keys() - (simple | {"factory_kwargs"})
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    made = dict(kwargs.get("factory_kwargs", {}))
    for name in simple & kwargs.keys():
        if name in made:
            raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
        made[name] = kwargs[name]
    return made
