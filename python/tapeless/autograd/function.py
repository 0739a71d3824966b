"""Functions with a derivative written by their author."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from tapeless import _core
from tapeless.autograd.grad_mode import no_grad

__all__ = ["BackwardCFunction", "Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What the methods of a Function know as `ctx`.

    Inside `Function.apply` the node itself plays this part, with methods of its own; these here
    serve code that makes a context by hand.
    """

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for `ctx.saved_tensors` in backward."""
        self.saved_tensors = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for forward-mode differentiation."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Any) -> None:
        """Announce the inputs that forward wrote into."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Any) -> None:
        """Announce outputs that have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether gradients that did not arrive are zeros (the default) or None."""
        self.materialize_grads = value


class BackwardCFunction(_core._FunctionNode, FunctionCtx):
    """The node of a custom Function, which is its context too."""

    _forward_cls: type

    def apply(self, *args: Any) -> Any:
        """Run the derivative by hand, given a gradient for each output."""
        cls = self._forward_cls
        own_vjp = cls.vjp is not Function.vjp
        if own_vjp and cls.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. "
                "You should only implement one of them."
            )
        return (cls.vjp if own_vjp else cls.backward)(self, *args)


class FunctionMeta(type):
    """Gives each Function class the type of its nodes."""

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        cls._backward_cls = type(
            name + "Backward",
            (BackwardCFunction,),
            {"_forward_cls": cls, "__module__": cls.__module__},
        )
        super().__init__(name, bases, attrs)


class Function(metaclass=FunctionMeta):
    """Base class of operations that bring their own derivative; call them through `apply`.

    Write `forward(ctx, *args)` and `backward(ctx, *grad_outputs)` as static methods, or
    `forward(*args)` with `setup_context(ctx, inputs, output)`.
    """

    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions "
            "are all static, so you should invoke them on the class itself. "
            "Instantiating an autograd function will raise an "
            "error in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: a Function is called through `apply` on its class."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. "
            "Please use new-style autograd function with static forward method. "
            "(Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    apply = classmethod(_core._function_apply)

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; the first argument is `ctx` unless setup_context is defined."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Store in `ctx` what backward needs, given forward's arguments and result."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Give the gradient of each argument from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for "
            "your custom autograd.Function to use it with backward "
            "mode AD."
        )

    # Another name of backward, told apart from it by identity.
    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name of backward."""
        return Function.backward(ctx, *grad_outputs)

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Give the tangent of each output from those of the arguments."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """Compute a batch of calls at once."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the "
            "vmap static method or set generate_vmap_rule=True."
        )


def _bind(
    forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call of `forward`, defaults included."""
    bound = inspect.signature(forward).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args, bound.kwargs


_core._set_function_base(Function.backward, Function.vjp, Function.setup_context, _bind)


class DelayedError(Function):
    """Passes tensors through and fails when it is differentiated."""

    @staticmethod
    def forward(ctx: Any, message: str, *tensors: Any) -> Any:
        """The tensors themselves."""
        ctx.message = message
        return tuple(x.detach() for x in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Raise the error."""
        raise RuntimeError(ctx.message)


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a backward that cannot itself be differentiated; trying to raises an error."""
    message = "trying to differentiate twice a function that was marked with @once_differentiable"

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *args)
        wanted = any(isinstance(g, _core.Tensor) and g.requires_grad for g in args)
        if not (wanted and _core.is_grad_enabled()):
            return outputs
        single = not isinstance(outputs, tuple)
        values = [outputs] if single else list(outputs)
        # A gradient of the incoming ones makes the result part of a graph, which then refuses.
        places = [i for i, v in enumerate(values) if isinstance(v, _core.Tensor)]
        sources = [values[i].detach().requires_grad_() for i in places]
        for i, guarded in zip(places, DelayedError.apply(message, *sources), strict=True):
            values[i] = guarded
        return values[0] if single else tuple(values)

    return wrapper
