# Nodes of the graph that modules need beside their operations.
"""The identity through which gradients pass to backward hooks of modules."""

from typing import Any

from tapeless.autograd import Function


class BackwardHookFunction(Function):
    """The identity on several tensors, as one node.

    *Derivative:* the gradients as they come.
    """

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """The arguments, as views of themselves."""
        ctx.mark_non_differentiable(*[arg for arg in args if not arg.requires_grad])
        return args

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        """The gradients."""
        return args
