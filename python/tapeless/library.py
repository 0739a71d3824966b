# torch.library: operations that a program brings itself.
"""`custom_op` makes a function an operation of `torch.ops`, with a derivative where one is registered.

What serves tracers only (shapes without data, schemas, tags) is accepted and unused: functions run as they are written.
"""

from collections.abc import Callable, Iterable
from typing import Any

import tapeless
from tapeless import _doors, _ops


class CustomOpDef:
    """An operation made of a Python function: a call runs it, and records its registered derivative."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        space, dot, short = name.partition("::")
        if not dot:
            raise ValueError(f"custom_op: {name!r} is no name of an operation; write it as 'mylibrary::{name}'")
        self._name, self._qualname, self._init_fn = short, name, function
        self._kernel = function
        self._function: Any = None
        self.__name__, self.__doc__ = short, function.__doc__
        self._opoverload = _ops.register(space, short, self).default

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        if self._function is None:
            return self._kernel(*args, **kwargs)
        return self._function.apply(*self._positional(args, kwargs))

    def _positional(self, args: Any, kwargs: Any) -> tuple[Any, ...]:
        import inspect

        bound = inspect.signature(self._init_fn).bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args

    def register_autograd(self, backward: Callable[..., Any], /, *, setup_context: Any = None) -> None:
        """The derivative: `backward(ctx, *gradients)`, from what `setup_context(ctx, inputs, output)` saved."""
        operation = self

        def forward(*args: Any) -> Any:
            return operation._kernel(*args)

        def set_up(ctx: Any, inputs: Any, output: Any) -> None:
            if setup_context is not None:
                setup_context(ctx=ctx, inputs=inputs, output=output)

        members = {
            "forward": staticmethod(forward),
            "setup_context": staticmethod(set_up),
            "backward": staticmethod(backward),
        }
        name = "".join(part.capitalize() for part in self._name.split("_"))
        self._function = type(name, (tapeless.autograd.Function,), members)

    def register_kernel(self, device_types: Any, fn: Any = None, /) -> Any:
        """Another function for some devices; the one for the CPU, or for any, is called from now on."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            wanted = [device_types] if isinstance(device_types, str) or device_types is None else device_types
            if None in wanted or "cpu" in wanted:
                self._kernel = function
            return function

        return register if fn is None else register(fn)

    def register_fake(self, fn: Any, /) -> Any:
        """Leaves the function as it is: shapes come from running the operation."""
        return fn

    register_vmap = register_torch_dispatch = register_autocast = _doors.unchanged


_operations: dict[str, CustomOpDef] = {}


def custom_op(
    name: str,
    fn: Any = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: Any = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """Makes a function the operation "space::name" of `torch.ops`, or gives a decorator that does."""

    def make(function: Callable[..., Any]) -> CustomOpDef:
        _operations[name] = CustomOpDef(name, function)
        return _operations[name]

    return make if fn is None else make(fn)


triton_op = custom_op


def _operation(op: Any) -> CustomOpDef:
    if isinstance(op, CustomOpDef):
        return op
    name = op if isinstance(op, str) else f"{op.overloadpacket._namespace}::{op.overloadpacket.__name__}"
    if name not in _operations:
        raise RuntimeError(f"torch.library: there is no operation {name}; make it by torch.library.custom_op first")
    return _operations[name]


def register_autograd(op: Any, backward: Any, /, *, setup_context: Any = None, lib: Any = None) -> None:
    """The derivative of an operation: `backward(ctx, *gradients)`."""
    _operation(op).register_autograd(backward, setup_context=setup_context)


def register_kernel(op: Any, device_types: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Another function for some devices."""
    return _operation(op).register_kernel(device_types, func)


def _decorator(name: str, first: int) -> Callable[..., Any]:
    def register(*args: Any, **kwargs: Any) -> Any:
        function = kwargs.get("func", args[first] if len(args) > first else None)
        return _doors.unchanged(function)

    register.__name__ = name
    register.__doc__ = "A decorator that leaves its function as it is: only a tracer would call it."
    return register


register_fake, impl_abstract, register_vmap = (
    _decorator(name, 1) for name in ("register_fake", "impl_abstract", "register_vmap")
)
register_torch_dispatch, register_autocast = (_decorator(name, 2) for name in ("torch_dispatch", "register_autocast"))


class Library:
    """Operations of one namespace, defined by schema and given a function."""

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        if kind not in ("IMPL", "DEF", "FRAGMENT"):
            raise ValueError(f"Unsupported kind: {kind}")
        self.ns, self.kind = ns, kind

    def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
        """Notes an operation's name; `impl` gives it its function."""
        return schema.partition("(")[0]

    def impl(self, op_name: Any, fn: Callable[..., Any], dispatch_key: str = "", **settings: Any) -> None:
        """Gives an operation its function: on the CPU, or for all devices."""
        name = op_name if isinstance(op_name, str) else op_name.overloadpacket.__name__
        if dispatch_key in ("", "CPU", "CompositeImplicitAutograd", "CompositeExplicitAutograd", "Autograd"):
            _ops.register(self.ns, name.rpartition("::")[2].partition(".")[0], fn)


def define(qualname: str, schema: str, *, lib: Any = None, tags: Any = ()) -> None:
    """Notes an operation's name; `impl` gives it its function."""


def impl(qualname: str, types: Any, func: Any = None, *, lib: Any = None) -> Any:
    """Makes a function the operation of that name, or gives a decorator that does."""
    space, _, name = qualname.partition("::")

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _ops.register(space, name, function)
        return function

    return register if func is None else register(func)


wrap_triton = _doors.refusing("wrap_triton", RuntimeError, "torch.library.wrap_triton: there is no CUDA device")
opcheck = _doors.refusing("opcheck", RuntimeError, "torch.library.opcheck: use torch.autograd.gradcheck")
get_ctx = _doors.refusing("get_ctx", RuntimeError, "torch.library.get_ctx: no shape is computed without data here")
