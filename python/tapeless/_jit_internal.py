# torch._jit_internal: decorators of TorchScript that packages import from there.
"""Each leaves its function as it is."""

from typing import Any, Final

from tapeless import _doors

_copy_to_script_wrapper = export = ignore = unused = _overload = _overload_method = _doors.unchanged
script_if_tracing = _doors.unchanged
globals().update(_doors.answers("is_scripting", False))


def boolean_dispatch(
    arg_name: str,
    arg_index: int,
    default: bool,
    if_true: Any,
    if_false: Any,
    module_name: str = "",
    func_name: str = "",
) -> Any:
    """A function that calls one of two, by its argument of that name and place."""

    def function(*args: Any, **kwargs: Any) -> Any:
        chosen = kwargs.get(arg_name, args[arg_index] if arg_index < len(args) else default)
        return (if_true if chosen else if_false)(*args, **kwargs)

    function.__name__, function.__doc__ = func_name or if_true.__name__, if_true.__doc__
    return function


__all__ = ["Final"]
