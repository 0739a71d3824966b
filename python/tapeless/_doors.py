# Doors: names that open for a program, and say the truth about what is not behind them.
"""Functions that answer or refuse, and types that nothing is an instance of.

A program asks whether there is a CUDA device, tests `isinstance(x, fx.Node)`, decorates with `jit.unused`. Each gets
the true answer. What a program cannot have raises what PyTorch raises where it was built without it, or the reason.
"""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn


def refusing(name: str, error: type[Exception], text: str) -> Callable[..., Any]:
    """A function of that name that raises."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise error(text)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.refuses = text  # type: ignore[attr-defined]
    refuse.__doc__ = f"Raises {error.__name__}: {text}"
    return refuse


def refusals(names: str, error: type[Exception], text: str) -> dict[str, Callable[..., Any]]:
    """A refusing function for each of the names, which blanks separate; `{}` in the text stands for the name."""
    return {name: refusing(name, error, text.replace("{}", name)) for name in names.split()}


def answering(name: str, value: Any) -> Callable[..., Any]:
    """A function of that name that gives the value, whatever it is asked."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        return type(value)() if isinstance(value, (list, dict)) else value

    answer.__name__ = answer.__qualname__ = name
    answer.__doc__ = f"Always {value!r}."
    return answer


def answers(names: str, value: Any) -> dict[str, Callable[..., Any]]:
    """An answering function for each of the names, which blanks separate."""
    return {name: answering(name, value) for name in names.split()}


def kind(name: str, module: str, text: str, error: type[Exception] = RuntimeError, bases: Iterable[type] = ()) -> type:
    """A type for isinstance and annotations, of which no instance can be made."""

    def new(cls: type, *args: Any, **kwargs: Any) -> NoReturn:
        raise error(text)

    members = {"__new__": new, "__module__": module, "__doc__": f"Cannot be made: {text}", "refuses": text}
    return type(name, tuple(bases), members)


def kinds(names: str, module: str, text: str, error: type[Exception] = RuntimeError) -> dict[str, type]:
    """A type for each of the names, which blanks separate; `{}` in the text stands for the name."""
    return {name: kind(name, module, text.replace("{}", name), error) for name in names.split()}


def unchanged(function: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Gives the function back as it is; with settings only, a decorator that does."""
    return function if callable(function) else (lambda decorated: decorated)
