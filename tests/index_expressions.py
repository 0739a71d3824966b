# Random index expressions: programs of one read or write, and what they mean in NumPy.
"""`generate(seed)` draws one expression: a tensor of some shape, dtype and layout, a key, and what is done with it.

The text is a program of PyTorch's names, so that it runs in any library that has them, and can be pasted to repeat
what differed. The key's plain form is what NumPy gets. `tests/test_index_expressions.py` compares with NumPy,
`tests/conformance/index_expressions.py` with PyTorch.
"""

import random
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

INTEGERS = ("int64", "int64", "int64", "int32")
REAL = ("float64", "float64", "float64", "float32")
OTHER = ("complex128", "int64", "bool", "float16")


@dataclass(frozen=True)
class Item:
    """One part of a key: as a program writes it, and as NumPy takes it."""

    text: str
    plain: Any
    sequence: bool = False  # a list, tuple, range or array: not a tensor

    @property
    def is_pick(self) -> bool:
        """Whether it picks elements, so that no view results."""
        return isinstance(self.plain, (bool, np.ndarray))


@dataclass(frozen=True)
class Expression:
    """A program, and the parts of it that a reference needs."""

    seed: int
    dtype: str
    shape: tuple[int, ...]
    layout: str  # how x is made of a row-major tensor of its elements
    items: tuple[Item, ...]
    action: str  # read, number, tensor, augment, put, accumulate, through
    operand: Any  # what is written: a number, or an array
    operand_dtype: str
    bare: bool
    broken: str  # which fault of the program's was planted; most have none
    differentiates: bool

    @property
    def key(self) -> str:
        """The key's text."""
        if self.bare:
            return self.items[0].text
        inner = ", ".join(item.text for item in self.items)
        return f"{inner}," if len(self.items) == 1 else inner

    @property
    def text(self) -> str:
        """The program: leaves `base` and `v`, the tensor `x`, and what it is about, `y`."""
        grad = ".requires_grad_()" if self.differentiates else ""
        lines = [f"base = {_tensor(base_values(self), self.dtype)}{grad}", f"x = {_layout(self)}"]
        if isinstance(self.operand, np.ndarray):
            with_grad = self.differentiates and self.operand_dtype.startswith(("float", "complex"))
            lines.append(f"v = {_tensor(self.operand, self.operand_dtype)}{'.requires_grad_()' if with_grad else ''}")
        else:
            lines.append(f"v = {self.operand!r}")
        return "\n".join(lines + self._lines())

    def _lines(self) -> list[str]:
        key = self.key
        indices = f"({', '.join(item.text for item in self.items)},)"
        return {
            "read": [f"y = x[{key}]"],
            "number": [f"x[{key}] = v", "y = x"],
            "tensor": [f"x[{key}] = v", "y = x"],
            "augment": [f"x[{key}] += v", "y = x"],
            "put": [f"y = x.index_put({indices}, v)"],
            "accumulate": [f"x.index_put_({indices}, v, accumulate=True)", "y = x"],
            "through": [f"part = x[{key}]", "part *= 2", "y = x"],
        }[self.action]


def base_values(expression: Expression) -> np.ndarray:
    """The elements of the leaf, in the layout's own shape."""
    shape = _base_shape(expression)
    count = int(np.prod(shape))
    values = np.random.default_rng(expression.seed).integers(-9, 10, count).reshape(shape)
    if expression.dtype == "bool":
        return values > 0
    return (
        values * (1 + 0.5j)
        if expression.dtype == "complex128"
        else values * 0.5
        if "float" in expression.dtype
        else values
    )


def _base_shape(expression: Expression) -> tuple[int, ...]:
    shape = expression.shape
    return {
        "plain": shape,
        "transposed": shape[::-1],
        "stepped": (*shape[:-1], shape[-1] * 2) if shape else shape,
        "expanded": (1, *shape[1:]) if shape else shape,
        "offset": (shape[0] + 1, *shape[1:]) if shape else shape,
    }[expression.layout]


def _layout(expression: Expression) -> str:
    """A copy in the layout, so that writing is allowed; only `expanded` names elements several times."""
    copied = "(base * 1)" if expression.dtype != "bool" else "base.clone()"
    if not expression.shape:
        return copied
    return {
        "plain": copied,
        "transposed": f"{copied}.permute({', '.join(map(str, range(len(expression.shape) - 1, -1, -1)))})",
        "stepped": f"{copied}[..., ::2]",
        "expanded": f"{copied}.expand({', '.join(map(str, expression.shape))})",
        "offset": f"{copied}[1:]",
    }[expression.layout]


def laid_out(expression: Expression, base: np.ndarray) -> np.ndarray:
    """x as an array."""
    if not expression.shape:
        return base
    return {
        "plain": lambda: base,
        "transposed": lambda: base.T,
        "stepped": lambda: base[..., ::2],
        "expanded": lambda: np.broadcast_to(base, expression.shape),
        "offset": lambda: base[1:],
    }[expression.layout]()


def _tensor(values: np.ndarray, dtype: str) -> str:
    shape = "" if values.size or values.ndim == 1 else f".reshape({values.shape})"
    return f"torch.tensor({values.tolist() if values.size else []}, dtype=torch.{dtype}){shape}"


def picked(array: np.ndarray, items: tuple[Item, ...]) -> np.ndarray:
    """array[items] as both libraries mean it: numbers and slices first, then what picks elements.

    NumPy alone counts a number among the picks where there are others, which moves dimensions; so it is told in two
    steps. Where a key has not both, the two are one.
    """
    used = sum(_consumed(item.plain) for item in items)
    first: list[Any] = []
    second: list[Any] = []
    for item in items:
        plain = item.plain
        if plain is Ellipsis:
            first += [slice(None)] * (array.ndim - used)
            second += [slice(None)] * (array.ndim - used)
        elif isinstance(plain, bool):
            first.append(None)
            second.append(np.array([plain]))
        elif isinstance(plain, np.ndarray):
            rank = _consumed(plain)
            first += [slice(None)] * rank
            second.append(plain)
        else:
            first.append(plain)
            second += [] if isinstance(plain, int) else [slice(None)]
    view = array[tuple(first)]
    return view[tuple(second)] if any(item.is_pick for item in items) else view


def _consumed(plain: Any) -> int:
    if plain is None or plain is Ellipsis or isinstance(plain, bool):
        return 0
    if isinstance(plain, np.ndarray) and plain.dtype == bool:
        return plain.ndim
    return 1


class _Draw:
    """The choices of one expression."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.broken = ""

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def one(self, *choices: Any) -> Any:
        return self.rng.choice(choices)

    def shape(self) -> tuple[int, ...]:
        sizes = [self.one(1, 2, 2, 3, 3, 4, 5) for _ in range(self.one(0, 1, 1, 2, 2, 2, 3, 3, 4))]
        if sizes and self.chance(0.06):
            sizes[self.rng.randrange(len(sizes))] = 0
        return tuple(sizes)

    def items(self, shape: tuple[int, ...]) -> tuple[Item, ...]:
        """A key for a tensor of that shape."""
        together = [self.one(1, 2, 3) for _ in range(self.one(0, 1, 1, 1, 2, 2, 3))]
        masked = self.rng.randrange(4)  # the number of marks that masks of this key share, so that they broadcast
        items: list[Item] = []
        at, skipped = 0, False
        while at < len(shape) or self.chance(0.15):
            if self.chance(0.1):
                items.append(Item("None", None))
            elif not skipped and self.chance(0.1):
                items.append(Item("...", Ellipsis))
                skipped = True
                at += self.rng.randint(0, len(shape) - at)
            elif self.chance(0.04):
                items.append(self.truth())
            elif at < len(shape):
                item = self.item(shape, at, together, masked)
                items.append(item)
                at += _consumed(item.plain)
            if at >= len(shape) or self.chance(0.2):
                break
        return tuple(items)

    def truth(self) -> Item:
        value = self.chance(0.7)
        return Item(self.one(repr(value), repr(value), f"torch.tensor({value})"), value)

    def item(self, shape: tuple[int, ...], at: int, together: list[int], masked: int) -> Item:
        size, kind = shape[at], self.rng.random()
        if kind < 0.25 and size:
            return self.number(size)
        if kind < 0.5:
            return self.slice(size)
        if kind < 0.62:
            return self.mask(shape[at : at + self.one(1, 1, 2, 3)], masked)
        return self.tensor(size, together)

    def number(self, size: int) -> Item:
        value = self.rng.randrange(-size, size)
        forms = [repr(value)] * 3 + [f"np.int64({value})", f"torch.tensor({value})"]
        return Item(self.one(*forms, f"torch.tensor({value}, dtype=torch.int32)"), value)

    def slice(self, size: int) -> Item:
        def bound() -> Any:
            return self.one(None, None, self.rng.randint(-size - 2, size + 2))

        start, stop, step = bound(), bound(), self.one(None, None, 1, 2, 3)
        text = f"{'' if start is None else start}:{'' if stop is None else stop}{'' if step is None else f':{step}'}"
        if start is not None and self.chance(0.1):
            text = f"torch.tensor({text.split(':')[0]}):{text.split(':', 1)[1]}"
        return Item(text, slice(start, stop, step))

    def mask(self, shape: tuple[int, ...], masked: int) -> Item:
        """A mask with `masked` marks, if it has room for them."""
        count = int(np.prod(shape))
        marks = np.zeros(count, bool)
        marks[self.rng.sample(range(count), min(masked, count))] = True
        if self.chance(0.2):
            marks[:] = [self.chance(0.5) for _ in range(count)]
        marks = marks.reshape(shape)
        values = marks.tolist()
        shaped = f".reshape({shape})" if not count else ""
        dtype = ", dtype=torch.bool" if not count else ""
        text = f"torch.tensor({values if count else []}{dtype}){shaped}"
        if self.chance(0.06):
            text = f"torch.tensor({values if count else []}, dtype=torch.uint8){shaped}"
        elif self.chance(0.1) and count:
            text = f"np.array({values})"
        elif self.chance(0.1) and count:
            return Item(repr(values), marks, sequence=True)
        return Item(text, marks)

    def tensor(self, size: int, together: list[int]) -> Item:
        shape = [1 if self.chance(0.15) else n for n in together[self.one(0, 0, len(together)) :]]
        if self.chance(0.04):
            shape = [0]
        if not size:
            shape = [0, *shape[1:]] if shape else [0]
        values = np.array([self.rng.randrange(-size, size) for _ in range(int(np.prod(shape)))], np.int64).reshape(
            shape
        )
        if not shape:
            return Item(f"torch.tensor({values.item()})", int(values))
        dtype = self.one(*INTEGERS)
        kind = self.rng.random()
        if kind < 0.15 and values.size:
            return Item(repr(values.tolist()), values, sequence=True)
        if kind < 0.2 and values.size:
            return Item(repr(tuple(values.tolist())), values, sequence=True)
        if kind < 0.25 and values.size:
            return Item(f"np.array({values.tolist()})", values)
        if kind < 0.3 and len(shape) == 1 and size >= 2:
            return Item("range(2)", np.arange(2), sequence=True)
        return Item(_tensor(values, dtype), values)

    def spoil(self, items: tuple[Item, ...], shape: tuple[int, ...]) -> tuple[Item, ...]:
        """The key with one fault that a library has to refuse."""
        size = shape[0] if shape else 1
        bad = {
            "too far": Item(repr(size + self.rng.randrange(3)), 0),
            "too far back": Item(repr(-size - 1), 0),
            "element too far": Item(f"torch.tensor([0, {size}])", np.array([0, 0])),
            "element too far back": Item(f"[{-size - 1}]", np.array([0]), sequence=True),
            "mask too long": Item(f"torch.tensor({[True] * (size + 1)})", np.array([True])),
            "floats": Item("torch.tensor([0.5])", np.array([0])),
            "shorts": Item("torch.tensor([0], dtype=torch.int16)", np.array([0])),
            "real number": Item("1.5", 0),
            "text": Item("'a'", 0),
            "backwards": Item("::-1", slice(None)),
            "no step": Item("::0", slice(None)),
            "real bound": Item("0.5:2", slice(None)),
            "object": Item("{1}", 0),
            "huge": Item(repr(2**70), 0),
        }
        name = self.one(*bad, "too many", "shapes")
        self.broken = name
        if name == "too many":
            return (*items, *[Item("0", 0)] * (len(shape) + 1))
        if name == "shapes":
            return (Item("[0, 0]", np.array([0, 0]), True), Item("[0, 0, 0]", np.array([0, 0, 0]), True))
        return (bad[name], *items[1:])

    def operand(self, shape: tuple[int, ...], dtype: str) -> tuple[Any, str]:
        """A tensor that broadcasts to what a key names."""
        kept = shape[self.one(0, 0, 0, len(shape), self.rng.randint(0, len(shape))) :]
        kept = tuple(1 if self.chance(0.1) else n for n in kept)
        if self.chance(0.08) and len(kept) == len(shape):
            kept = (1, *kept)
        if not self.broken and self.chance(0.04):
            kept = (*kept, 7)
            self.broken = "value"
        if self.chance(0.1):
            dtype = self.one("float64", "float32", "int64", "bool", "complex128")
        count = int(np.prod(kept))
        values = np.array([self.rng.randint(-6, 6) * (1 if dtype == "int64" else 0.25) for _ in range(count)])
        values = values.reshape(kept)
        return np.asarray(values > 0 if dtype == "bool" else values.astype(dtype)), dtype


ACTIONS = ("read",) * 10 + ("number", "tensor", "tensor", "tensor", "augment", "put", "accumulate", "through")


def generate(seed: int) -> Expression:
    """The expression of that seed."""
    draw = _Draw(seed)
    shape = draw.shape()
    dtype = draw.one(*REAL) if draw.chance(0.85) else draw.one(*OTHER)
    items = draw.items(shape)
    if draw.chance(0.07):
        items = draw.spoil(items, shape)
    action = draw.one(*ACTIONS)
    if action in ("put", "accumulate"):  # Their indices are tensors, one for each dimension from the first.
        items = tuple(item for item in items if isinstance(item.plain, np.ndarray) and item.text.startswith("torch"))
        action = action if items else "read"
    if not items:
        items = (Item("...", Ellipsis),)
    layout = draw.one("plain", "plain", "plain", "transposed", "stepped", "offset")
    if action == "read" and draw.chance(0.06):
        layout = "expanded"
    operand, operand_dtype = None, ""
    if action in ("number", "augment") and draw.chance(0.7):
        operand = draw.one(2, -3, 0.5, True)
        if action == "number" and draw.chance(0.05):
            operand = 1j
    elif action != "through":
        operand, operand_dtype = draw.operand(_named(shape, items), dtype)
    # In a bare tuple the numbers are a key of several parts, so that it is not the one that was drawn.
    bare = len(items) == 1 and not items[0].text.startswith("(") and draw.chance(0.7)
    differentiates = dtype.startswith(("float", "complex")) and draw.chance(0.8)
    if action == "read":
        operand, operand_dtype = None, ""
    return Expression(
        seed, dtype, shape, layout, items, action, operand, operand_dtype, bare, draw.broken, differentiates
    )


def _named(shape: tuple[int, ...], items: tuple[Item, ...]) -> tuple[int, ...]:
    return shape_of(shape, items) or ()


def shape_of(shape: tuple[int, ...], items: tuple[Item, ...]) -> tuple[int, ...] | None:
    """The shape of what a key names; None where its picks do not fit together."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return picked(np.zeros(shape), items).shape
    except (IndexError, ValueError):
        return None
