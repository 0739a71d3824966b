"""The command: `python -m tests.conformance.functional` compares autograd.functional and gradcheck with PyTorch.

Every function of autograd.functional on functions of one and several inputs and outputs, in every mode; what strict
mode and wrong arguments are answered with, word for word; what gradcheck passes and what it refuses.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

# Functions of (torch, x) or (torch, x, y), x of shape [2] and y of shape [2, 2].
FUNCTIONS = {
    "square": lambda t, x: x * x,
    "sum of cubes": lambda t, x: (x**3).sum(),
    "linear": lambda t, x: 2 * x,
    "linear sum": lambda t, x: (2 * x).sum(),
    "constant": lambda t, x: t.ones(2, dtype=t.float64),
    "constant sum": lambda t, x: t.ones((), dtype=t.float64),
    "outer": lambda t, x: t.outer(x, x.exp()),
    "two": lambda t, x: (x.sin(), (x * x).sum()),
    "number": lambda t, x: 1,
    "list": lambda t, x: [x],
    "mixed": lambda t, x: (x, 1),
}
OF_TWO = {
    "product": lambda t, x, y: y @ x.cos(),
    "one ignored": lambda t, x, y: x * x,
    "bilinear": lambda t, x, y: (x * (y @ x)).sum(),
    "both": lambda t, x, y: (x * x, y.exp()),
    "one ignored, summed": lambda t, x, y: (x**3).sum(),
}


def calls(t: Any) -> Iterator[tuple[str, Any]]:
    """Names and functions without arguments, which compute something to compare."""
    F = importlib.import_module(t.__name__ + ".autograd.functional")
    x = t.tensor([0.3, -1.2], dtype=t.float64)
    y = t.tensor([[1.0, 0.5], [-0.7, 2.0]], dtype=t.float64)
    v = t.tensor([0.7, 0.2], dtype=t.float64)
    modes = [dict(zip(("create_graph", "strict"), m, strict=True)) for m in itertools.product((False, True), repeat=2)]
    for (name, f), mode in itertools.product([*FUNCTIONS.items(), *OF_TWO.items()], modes):
        given = (x, y) if name in OF_TWO else x
        vectors = ((v, y + 1) if name in OF_TWO else v, None, (v,), v, (v, v), y, 3)
        function = partial(f, t)
        for kind, (number, w) in itertools.product(("vjp", "jvp", "vhp", "hvp"), enumerate(vectors)):
            yield f"{kind}({name}, {mode}, v {number})", partial(getattr(F, kind), function, given, w, **mode)
        strategies = ("reverse-mode", "forward-mode", "other")
        for kind, strategy, vectorize in itertools.product(("jacobian", "hessian"), strategies, (False, True)):
            option = "strategy" if kind == "jacobian" else "outer_jacobian_strategy"
            more = {**mode, "vectorize": vectorize, option: strategy}
            yield f"{kind}({name}, {more})", partial(getattr(F, kind), function, given, **more)
    for wrong in ([x], (x, 1), 2, None):
        yield f"wrong {type(wrong)}", partial(F.vjp, lambda a: a, wrong)
    yield "basis", partial(F._construct_standard_basis_for, (x, y), (2, 4))


def checks(t: Any) -> Iterator[tuple[str, Any]]:
    """gradcheck and gradgradcheck on right and wrong derivatives."""
    check, again = t.autograd.gradcheck, t.autograd.gradgradcheck

    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            return a * 3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    def leaf(*size: int, dtype: Any = t.float64) -> Any:
        t.manual_seed(4)
        return t.randn(*size, dtype=dtype, requires_grad=True)

    a, b, z = leaf(2, 3), leaf(3), leaf(2, dtype=t.complex128)
    right = {
        "product": (lambda a, b: a * b, (a, b)),
        "several": (lambda a, b: (a.sin(), a @ b), (a, b)),
        "complex": (lambda z: z * z.conj() + z**2, (z,)),
        "complex to real": (lambda z: (z.abs() ** 2, z.real), (z,)),
        "real to complex": (lambda b: t.complex(b, b * b), (b,)),
        "constant": (lambda a: t.ones(2, dtype=t.float64), (a,)),
        "one is no input": (lambda a, b: a * b, (a, b.detach())),
        "no input": (lambda a: a, (a.detach(),)),
        "wrong": (Wrong.apply, (a,)),
        "single": (lambda a: a * a, (leaf(2, dtype=t.float32),)),
        "expanded": (lambda a: a * a, (b.detach().expand(2, 3).requires_grad_(),)),
        "detached": (lambda a: a.detach() * a, (a,)),
    }
    for (name, (f, inputs)), fast, silent in itertools.product(right.items(), (False, True), (False, True)):
        options = {"fast_mode": fast, "raise_exception": not silent}
        yield f"gradcheck {name} {options}", partial(check, f, inputs, **options)
        if name != "constant":  # which PyTorch calls without its arguments
            yield f"gradgradcheck {name} {options}", partial(again, f, inputs, **options)
    for name in ("product", "several", "wrong"):
        f, inputs = right[name]
        yield f"forward {name}", partial(check, f, inputs, check_forward_ad=name != "wrong")
        yield f"batched {name}", partial(check, f, inputs, check_batched_grad=name != "wrong")


def outcome(function: Any, with_graphs: bool) -> Any:
    """What a call gives: nested numbers and whether they have a graph, or an exception's class and text."""
    try:
        return _numbers(function(), with_graphs)
    except Exception as error:  # any exception is an outcome to compare
        text = " ".join(str(error).split("numerical:")[0].split())
        return f"{type(error).__name__}: {text}".replace("tapeless.", "torch.")


def _numbers(x: Any, with_graphs: bool) -> Any:
    if isinstance(x, tuple | list):
        return [_numbers(part, with_graphs) for part in x]
    if hasattr(x, "detach"):
        numbers = torch.tensor(x.detach().tolist(), dtype=torch.float64)
        return ["tensor", tuple(x.shape), x.requires_grad if with_graphs else None, numbers]
    return x


def same(a: Any, b: Any) -> bool:
    """Whether two outcomes agree, numbers to 1e-9."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-12)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, str) and "given to None" in a:  # PyTorch forgets the function's name
        return isinstance(b, str) and b.split(":")[0] == a.split(":")[0]
    return type(a) is type(b) and a == b


def main() -> int:
    """Compares all calls; 0 when they agree."""
    warnings.simplefilter("ignore")
    subject = importlib.import_module("tapeless")
    counts = []
    for gather in (calls, checks):
        ours = dict(gather(subject))
        for name, call in gather(torch):
            with_graphs = "'vectorize': True" not in name  # whose results PyTorch leaves a graph by chance
            theirs, own = outcome(call, with_graphs), outcome(ours[name], with_graphs)
            counts.append(same(theirs, own))
            if not counts[-1]:
                print(f"DIFFERENT {name}:\n    {own!r:.300}\n    where PyTorch has {theirs!r:.300}")
    print(f"autograd.functional: {len(counts)} calls, {sum(counts)} agree")
    return 0 if all(counts) else 1


if __name__ == "__main__":
    sys.exit(main())
