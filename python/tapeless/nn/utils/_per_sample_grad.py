# Gradients for each example of a batch, left beside the parameters.
"""call_for_per_sample_grads."""

from typing import Any

from tapeless import Tensor
from tapeless.func import functional_call, vmap
from tapeless.nn.modules.module import Module

__all__ = ["call_for_per_sample_grads"]


def call_for_per_sample_grads(
    module: Any, *, batch_size: int | None = None, loss_reduction: str = "sum", batch_first: bool = True
) -> Any:
    """A function that calls the module; backward then leaves (batch, *shape) gradients as `grad_sample`.

    `loss_reduction` "mean" says that the loss will be the examples' mean, which their own gradients undo.
    """
    if loss_reduction not in ("sum", "mean"):
        raise RuntimeError(f"Expected loss_reduction argument to be sum or mean, got {loss_reduction}")
    if not isinstance(module, Module):
        raise RuntimeError(f"Module passed must be nn.Module, got {type(module).__name__}")
    where = 0 if batch_first else 1

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        sizes = {x.shape[where] for x in (*args, *kwargs.values()) if isinstance(x, Tensor)}
        if batch_size is None and len(sizes) != 1:
            raise RuntimeError(f"batch_size: the arguments' batches have the sizes {sorted(sizes)}; pass batch_size")
        count = batch_size or sizes.pop()
        scale = count if loss_reduction == "mean" else 1
        each = {name: _expanded(p, count, scale) for name, p in module.named_parameters() if p.requires_grad}
        marked = [where if isinstance(x, Tensor) else None for x in args]
        named = {name: where if isinstance(x, Tensor) else None for name, x in kwargs.items()}

        def one(parameters: Any, arguments: Any, keywords: Any) -> Any:
            arguments = tuple(x.unsqueeze(where) if isinstance(x, Tensor) else x for x in arguments)
            keywords = {name: x.unsqueeze(where) if isinstance(x, Tensor) else x for name, x in keywords.items()}
            return functional_call(module, parameters, arguments, keywords).squeeze(where)

        return vmap(one, in_dims=(0, tuple(marked), named), out_dims=where)(each, args, kwargs)

    return wrapper


def _expanded(parameter: Any, count: int, scale: int) -> Tensor:
    """The parameter once for each example, as a leaf that hands its gradient on to `grad_sample`."""
    leaf = parameter.detach().expand(count, *parameter.shape).requires_grad_()

    def keep(gradient: Tensor) -> None:
        gradient = gradient * scale
        before = getattr(parameter, "grad_sample", None)
        parameter.grad_sample = gradient if before is None else before + gradient

    leaf.register_hook(keep)
    return leaf
