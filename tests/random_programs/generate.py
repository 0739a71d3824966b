"""The writer of random programs: knows shapes and who shares memory, nothing of any library."""

import random

from tests.random_programs import functions
from tests.random_programs.names import Memory, Name, broadcasts, leaves_no_gaps, listed
from tests.random_programs.program import Line, Program

__all__ = ["PROFILES", "generate"]

SMALL = ((4, 6), (12,), (2, 3, 4), (6, 4), (3, 3))
LARGE = ((96, 96), (9216,), (2, 48, 96))
LARGE_SHARE = 0.3
SETTINGS = ("defer-everything", "defer-everything", "default", "fusion-off")

# How often each kind of line is written. "pure" programs are differentiable functions of their leaves, so that finite
# differences can judge them; "shared" ones add memory that NumPy sees; "modes" ones everything.
PROFILES: dict[str, dict[str, int]] = {
    "pure": {"leaf": 2, "constant": 1, "unary": 5, "function": 2, "binary": 5, "view": 9, "write_unary": 4,
             "write_binary": 7, "write_number": 3, "write_slice": 6, "reduce": 2, "look": 1, "halves": 1},
    "shared": {"leaf": 2, "constant": 3, "from_numpy": 3, "expand": 1, "unary": 4, "function": 2, "binary": 6,
               "view": 7, "write_unary": 4, "write_binary": 6, "write_number": 4, "write_slice": 5, "reduce": 2,
               "export": 3, "numpy_write": 6, "detach": 3, "data": 2, "peek": 2, "look": 1, "delete": 2, "rebind": 2,
               "masked": 2, "halves": 1},
    "modes": {"leaf": 3, "constant": 2, "unary": 4, "function": 2, "binary": 5, "view": 6, "parts": 2, "expand": 2,
              "write_unary": 4, "write_binary": 6, "write_number": 3, "write_slice": 4, "reduce": 2, "backward": 5,
              "grad": 3, "hook": 3, "retain": 2, "detach": 2, "data": 3, "flag": 1,
              "clear_grad": 1, "use_grad": 4, "peek": 1, "look": 2,
              "delete": 2, "rebind": 2, "masked": 1, "matmul": 1, "halves": 1},
}  # fmt: skip

ROWS = functions.rows()
SMOOTH = ("sin", "cos", "tanh", "sigmoid", "neg")
KINKED = ("abs", "relu", "exp", "sqrt", "square")
LOOKS = {"view", "parts", "expand", "detach", "data", "peek", "look", "delete"}
WRITES = {"write_unary", "write_binary", "write_number", "write_slice", "numpy_write", "masked"}


class Writer:
    """Writes one program."""

    def __init__(self, seed: int, profile: str, ours: bool) -> None:
        self.random = random.Random(f"{seed} {profile}")
        self.profile = profile
        self.pure = profile == "pure"
        self.ours = ours
        self.lines: list[Line] = []
        self.names: list[Name] = []
        self.arrays: list[Name] = []
        self.handles: list[str] = []
        self.used = 0
        self.large = self.random.random() < LARGE_SHARE
        self.shape = self.random.choice(LARGE if self.large else SMALL)
        self.kind = ""

    # Pieces

    def chance(self, share: float) -> bool:
        """True in that share of the calls."""
        return self.random.random() < share

    def emit(self, text: str) -> None:
        """One more line."""
        self.lines.append(Line(text, self.kind in WRITES))

    def fresh(self, shape: tuple[int, ...], memory: Memory | None = None, **facts: bool) -> Name:
        """A new variable; the line that makes it follows."""
        made = Name(f"t{self.used}", tuple(shape), memory or Memory(), **facts)
        self.used += 1
        self.names.append(made)
        return made

    def pick(self, *wanted) -> Name | None:
        """A variable that satisfies all, a late one rather than an early one."""
        # PyTorch refuses saved values of nodes that lead nowhere, which we do not make.
        whole = self.ours or self.kind in WRITES or self.kind in LOOKS
        fitting = [n for n in self.names if (whole or not n.loose) and all(w(n) for w in wanted)]
        if not fitting:
            return None
        if self.chance(0.4):
            return self.random.choice(fitting[-4:])
        return self.random.choice(fitting)

    def partner(self, x: Name) -> Name | None:
        """A variable that broadcasts to x's shape, x's own shape rather than a smaller one."""
        same = self.pick(lambda n: n.shape == x.shape)
        if same and not self.chance(0.15):
            return same
        return self.pick(lambda n: broadcasts(n.shape, x.shape)) or same

    def source(self, x: Name, shape: tuple[int, ...], plain: bool) -> Name | None:
        """What is written into the elements of x of that shape; `plain`: they have no gaps.

        PyTorch refuses a source that overlaps them only when neither has gaps, and with gaps reads what it has just
        written; we read it as it was.
        """

        def apart(y: Name) -> bool:
            if y.memory.aliases is not x.memory.aliases or (y is x and shape == x.shape):
                return True
            return plain and y.plain and y.shape == shape

        def promised(y: Name) -> bool:
            return self.ours or (not y.loose and apart(y))

        if self.chance(0.15):
            beside = self.pick(lambda n: n.shape == shape, promised, lambda n: n.memory is x.memory and n is not x)
            if beside:
                return beside
        same = self.pick(lambda n: n.shape == shape, promised)
        if same and not self.chance(0.15):
            return same
        return self.pick(lambda n: broadcasts(n.shape, shape), promised) or same

    def target(self) -> Name | None:
        """What a line writes: mostly something that is, or has, a view."""
        shared = [id(n.memory) for n in self.names if n.is_view]
        writable = [lambda n: not n.memory.fixed] if not self.chance(0.05) else []
        if self.chance(0.12):  # What may not be written, for one reason or the other.
            found = self.pick(lambda n: n.loose or n.repeats, *writable)
            if found:
                return found
        if self.chance(0.75):
            found = self.pick(lambda n: id(n.memory) in shared, *writable)
            if found:
                return found
        return self.pick(*writable)

    def index(self, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]] | None:
        """An index and the shape that it leaves."""
        if not shape or shape[0] == 0:
            return None
        size, draw = shape[0], self.random
        start = draw.randrange(size)
        stop = draw.randrange(start, size) + 1
        choices = [
            (f"{start}", shape[1:]),
            (f"{start}:{stop}", (stop - start, *shape[1:])),
            (f"{start}:{stop}", (stop - start, *shape[1:])),
            ("::2", ((size + 1) // 2, *shape[1:])),
            (f":{size // 2}", (size // 2, *shape[1:])),
            (f"{size // 2}:", (size - size // 2, *shape[1:])),
        ]
        if len(shape) > 1 and shape[1] > 1:
            last = shape[-1]
            middle = max(1, last // 2)
            choices += [
                (f"..., :{middle}", (*shape[:-1], middle)),
                (f"..., {last - 1}", shape[:-1]),
                (f"..., {middle}:", (*shape[:-1], last - middle)),
                ("..., ::2", (*shape[:-1], (last + 1) // 2)),
            ]
        return draw.choice(choices)

    def mode(self, share: float = 0.15) -> str:
        """What a line stands under."""
        if self.pure or not self.chance(share):
            return ""
        if self.profile == "modes" and self.chance(0.08):
            return "with torch.inference_mode(): "
        return "with torch.no_grad(): "

    def number(self) -> str:
        """A Python number."""
        return self.random.choice(("0.5", "2", "-1", "1.5", "0", "3"))

    # Lines that make tensors

    def leaf(self) -> None:
        """A leaf that requires grad."""
        x = self.fresh(self.shape, Memory(1.0, tracked=True, fixed=True), leaf=True)
        source = f"torch.tensor(leaf({self.used}, {x.shape}), dtype=F, requires_grad=True)"
        self.emit(f"{x.name} = {source}")

    def constant(self) -> None:
        """A tensor without history."""
        x = self.fresh(self.shape)
        choices = [f"torch.tensor(data({self.used}, {x.shape}), dtype=F)", f"torch.ones({x.shape}, dtype=F)",
                   f"torch.zeros({x.shape}, dtype=F)", f"torch.full({x.shape}, 0.75, dtype=F)"]  # fmt: skip
        self.emit(f"{x.name} = {self.random.choice(choices[:1] + choices)}")

    def from_numpy(self) -> None:
        """A tensor over an array's memory, whole or a part."""
        array = Name(f"a{len(self.arrays)}", self.shape)
        self.arrays.append(array)
        self.emit(f"{array.name} = data({self.used}, {self.shape})")
        x = self.fresh(self.shape, array.memory)
        self.emit(f"{x.name} = torch.from_numpy({array.name})")

    def unary(self) -> None:
        """A function of one tensor."""
        x = self.pick()
        memory = Memory(1.0 + x.memory.bound, x.memory.tracked)
        form = self.random.randrange(8)
        if form < 4 or (form > 5 and (self.pure or x.memory.bound > 20)):
            text = f"{x.name}.{self.random.choice(SMOOTH)}()"
        elif form == 4:
            text, memory.bound = f"{x.name} * {self.random.choice(('2', '0.5'))}", 2 * x.memory.bound
        elif form == 5:
            text = f"{self.random.choice(('1', '0.5'))} - {x.name}"
        else:
            name = self.random.choice(KINKED)
            bare = {"exp": "tanh().exp()", "sqrt": "sigmoid().sqrt()"}.get(name, f"{name}()")
            text = f"{x.name} * {x.name}" if name == "square" else f"{x.name}.{bare}"
            memory.bound = max(3.0, memory.bound**2)
        if memory.bound > 500:
            text, memory.bound = f"{x.name}.tanh()", 1.0
        mode = self.mode()
        self.emit(f"{mode}{self.fresh(x.shape, memory, plain=x.plain).name} = {text}")

    def function(self) -> None:
        """A row within its domain, or an operation that keeps the shape; small in the end."""
        x = self.pick(lambda n: n.shape and n.count)
        if not x:
            return
        held = x.name if x.memory.bound < 4 else f"{x.name}.sin()"
        if self.chance(0.5):
            name, middle, half = self.random.choice(ROWS)
            text = f"{name}({x.name}.sin() * {half} + {middle})"
        else:
            pool = functions.SMOOTH + (() if self.pure else functions.BENT)
            text = f"({self.random.choice(pool).format(x=held)})"
        mode = self.mode()
        made = self.fresh(x.shape, Memory(1.0, x.memory.tracked))
        self.emit(f"{mode}{made.name} = {text}.tanh()")

    def binary(self) -> None:
        """A function of two or three tensors."""
        x = self.pick()
        y = self.partner(x)
        memory = Memory(1.0, x.memory.tracked or y.memory.tracked)
        big = x.memory.bound * y.memory.bound > 500
        kinds = ["+", "-"] if big else ["+", "-", "*", "*", "*"]
        if not self.pure:
            kinds += ["maximum", "where"]
        kind = self.random.choice(kinds)
        memory.bound = x.memory.bound * y.memory.bound if kind == "*" else x.memory.bound + y.memory.bound
        if kind == "maximum":
            text = f"torch.maximum({x.name}, {y.name})"
        elif kind == "where":
            text = f"torch.where({x.name} > 0.1, {x.name}, {y.name})"
        else:
            text = f"{x.name} {kind} {y.name}"
        mode = self.mode()
        self.emit(f"{mode}{self.fresh(x.shape, memory, plain=x.plain and y.plain).name} = {text}")

    def matmul(self) -> None:
        """A product of matrices."""
        x = self.pick(lambda n: len(n.shape) == 2 and n.count < 100 and n.memory.bound < 20)
        if x:
            memory = Memory(x.memory.bound**2 * x.shape[1], x.memory.tracked)
            made = self.fresh((x.shape[0], x.shape[0]), memory)
            self.emit(f"{made.name} = {x.name} @ {x.name}.t()")

    def view(self) -> None:
        """A view, of a view when there is one."""
        x = (self.chance(0.4) and self.pick(lambda n: n.is_view and n.count > 1)) or self.pick(lambda n: n.count > 1)
        if not x:
            return
        choices = [
            f"view({x.count})" if self.chance(0.7) else f"reshape({x.count})",
            "unsqueeze(0)",
            "view_as",
        ]
        shapes = [(x.count,), (1, *x.shape), x.shape]
        if len(x.shape) > 1:
            choices += ["transpose(0, 1)", "transpose(0, 1)"]
            shapes += [(x.shape[1], x.shape[0], *x.shape[2:])] * 2
        at = self.random.randrange(len(choices))
        text, shape = f"{x.name}.{choices[at]}", shapes[at]
        plain = x.plain and at < 3
        if choices[at] == "view_as":
            text = f"{x.name}[:]" if shape else text
        if self.chance(0.6):
            found = self.index(x.shape)
            if found:
                text, shape = f"{x.name}[{found[0]}]", found[1]
                plain = x.plain and leaves_no_gaps(found[0])
        mode = self.mode(0.2)
        self.emit(
            f"{mode}{self.fresh(shape, x.memory, is_view=True, plain=plain, loose=bool(mode) or x.loose).name} = {text}"
        )

    def halves(self) -> None:
        """One half is saved by what is computed of it, the other half written."""
        x = self.pick(lambda n: n.memory.tracked and not n.memory.fixed and n.shape[:1] > (1,) and n.memory.bound < 20)
        if not x:
            return
        half = x.shape[0] // 2
        part = self.fresh((half, *x.shape[1:]), x.memory, is_view=True, plain=x.plain)
        self.emit(f"{part.name} = {x.name}[:{half}]")
        made = self.fresh(part.shape, Memory(x.memory.bound**2, True), plain=x.plain)
        self.emit(f"{made.name} = {part.name} * {part.name}")
        self.lines.append(Line(f"{x.name}[{half}:] = {self.number()}", True))
        self._wrote(x, 3, False)

    def parts(self) -> None:
        """Several views from one call."""
        x = self.pick(lambda n: bool(n.shape) and 2 <= n.shape[0] <= 100)
        if not x:
            return
        half = (x.shape[0] + 1) // 2
        mode = self.mode()
        facts = {"is_view": True, "plain": x.plain, "loose": bool(mode) or x.loose}
        first = self.fresh((half, *x.shape[1:]), x.memory, **facts)
        second = self.fresh((x.shape[0] - half, *x.shape[1:]), x.memory, **facts)
        text = f"{x.name}.chunk(2)" if self.chance(0.5) else f"{x.name}.split({half})"
        if x.shape[0] == 2 and self.chance(0.5):
            text = f"{x.name}.unbind()"
            first.shape = second.shape = x.shape[1:]
        self.emit(f"{mode}{first.name}, {second.name} = {text}")

    def expand(self) -> None:
        """A view in which elements appear several times."""
        x = self.pick(lambda n: n.count < 40)
        if x:
            mode = self.mode()
            facts = {"is_view": True, "plain": False, "loose": bool(mode) or x.loose, "repeats": True}
            made = self.fresh((3, *x.shape), x.memory, **facts)
            self.emit(f"{mode}{made.name} = {x.name}.expand(3, {listed(x.shape)})")

    def reduce(self) -> None:
        """A reduction."""
        x = self.pick(lambda n: n.count > 0)
        kinds = ["sum()", "mean()"]
        if x.shape:
            kinds += ["sum(0)", "mean(-1)"] if self.pure else ["sum(0)", "mean(-1)", "amax(0)", "sum(-1)"]
        kind = self.random.choice(kinds)
        shape = x.shape[1:] if "(0)" in kind else x.shape[:-1] if "-1" in kind else ()
        bound = x.memory.bound * (x.count if "sum" in kind else 1)
        memory = Memory(bound, x.memory.tracked)
        scale = ""
        if bound > 500:
            scale, memory.bound = " * 0.001", bound / 1000
        self.emit(f"{self.mode()}{self.fresh(shape, memory).name} = {x.name}.{kind}{scale}")

    def detach(self) -> None:
        """An alias without history whose writes count, or the same in place."""
        x = self.pick()
        alone = not x.retained and sum(n.memory is x.memory for n in self.names) == 1
        if self.chance(0.15) and (self.ours or alone):  # Views look at their base too early in PyTorch's runs.
            self.emit(f"{x.name}.detach_()")
            return
        made = self.fresh(x.shape, x.memory.beside(), is_view=True, plain=x.plain)
        self.emit(f"{made.name} = {x.name}.detach()")

    def data(self) -> None:
        """An alias whose writes do not count, mostly written at once."""
        x = self.pick()
        if x.memory.aliases and not self.ours:
            return
        made = self.fresh(x.shape, x.memory.beside(), is_view=True, plain=x.plain)
        x.memory.aliases.append(made.name)
        self.emit(f"{made.name} = {x.name}.data")
        if self.chance(0.6):
            self.lines.append(Line(f"{made.name}.{self.random.choice(('mul_(0.5)', 'fill_(0.3)', 'add_(1)'))}", True))

    # Lines that write

    def _wrote(self, x: Name, bound: float, tracked: bool) -> None:
        x.memory.bound = max(x.memory.bound, bound)
        x.memory.tracked |= tracked

    def _write_mode(self, x: Name) -> str:
        if x.memory.fixed and not self.pure and self.chance(0.9):
            return "with torch.no_grad(): "
        return self.mode()

    def write_unary(self) -> None:
        """A function in place."""
        x = self.target()
        if not x:
            return
        names = ["sin_()", "tanh_()", "sigmoid_()", "neg_()", "cos_()"]
        names += [] if self.pure else ["relu_()", "abs_()"]
        self.emit(f"{self._write_mode(x)}{x.name}.{self.random.choice(names)}")
        self._wrote(x, 1.0, False)

    def write_number(self) -> None:
        """A number into all elements, or all of them changed by one."""
        x = self.target()
        if not x:
            return
        number = self.number()
        kind = self.random.choice(("fill_", "add_", "sub_", "mul_", "zero_"))
        if kind == "mul_" and x.memory.bound > 100:
            number = "0.5"
        self._wrote(x, 3 * x.memory.bound if kind == "mul_" else x.memory.bound + 3, False)
        self.emit(f"{self._write_mode(x)}{x.name}.{kind}({'' if kind == 'zero_' else number})")

    def write_binary(self) -> None:
        """Another tensor into all elements, or all of them changed by it."""
        x = self.target()
        y = x and self.source(x, x.shape, x.plain)
        if not x or not y:
            return
        kind = self.random.choice(("add_", "sub_", "mul_", "mul_", "copy_"))
        if kind == "mul_" and x.memory.bound * y.memory.bound > 500:
            kind = "copy_"
        bound = x.memory.bound * y.memory.bound if kind == "mul_" else x.memory.bound + y.memory.bound
        self._wrote(x, bound, y.memory.tracked)
        self.emit(f"{self._write_mode(x)}{x.name}.{kind}({y.name})")

    def write_slice(self) -> None:
        """Into the elements of an index."""
        x = self.target()
        found = x and self.index(x.shape)
        if not x or not found:
            return
        index, shape = found
        if not self.pure and self.chance(0.08) and x.shape[0] > 1 and (x.plain or self.ours):
            self.emit(f"{self._write_mode(x)}{x.name}[1:] = {x.name}[:-1]")
            return
        y = self.source(x, shape, x.plain and leaves_no_gaps(index))
        mode = self._write_mode(x)
        if y is None or self.chance(0.3):
            self.emit(f"{mode}{x.name}[{index}] = {self.number()}")
            self._wrote(x, 3, False)
            return
        kind = self.random.choice(("=", "=", "+=", "*="))
        if kind == "*=" and x.memory.bound * y.memory.bound > 500:
            kind = "="
        self.emit(f"{mode}{x.name}[{index}] {kind} {y.name}")
        bound = x.memory.bound * y.memory.bound if kind == "*=" else x.memory.bound + y.memory.bound
        self._wrote(x, bound, y.memory.tracked)

    def masked(self) -> None:
        """Into the elements that a mask or a list of rows names."""
        x = self.target()
        if not x or not x.shape:
            return
        forms = [f"{x.name}[{x.name} > 0.5] = 0.25", f"{x.name}.masked_fill_({x.name} < 0, 0.125)"]
        self.emit(self._write_mode(x) + self.random.choice(forms))

    def export(self) -> None:
        """An array over a tensor's memory."""
        x = self.pick(lambda n: not n.memory.tracked) or self.pick()
        array = Name(f"a{len(self.arrays)}", x.shape, x.memory)
        self.arrays.append(array)
        how = "numpy()" if self.chance(0.4) and not x.memory.tracked else "detach().numpy()"
        self.emit(f"{array.name} = {x.name}.{how}")

    def numpy_write(self) -> None:
        """A write by NumPy into memory that it shares with tensors."""
        if not self.arrays:
            return
        array = self.random.choice(self.arrays[-3:])
        index = self.index(array.shape) if self.chance(0.5) else None
        self.emit(f"{array.name}[{index[0] if index else '...'}] = {self.number()}")
        self._wrote(array, 3, False)

    # Lines about gradients

    def backward(self) -> None:
        """A backward pass from something that wants one."""
        leaves = [n.name for n in self.names if n.leaf]
        if len(leaves) > 1 and self.chance(0.3):  # The gradients of both are one tensor on the way.
            one, two = self.random.sample(leaves, 2)
            if self.chance(0.5):
                self.lines.append(Line(f"{one}.grad = {two}.grad = None"))
            if self.ours and self.chance(0.6):
                self.emit(f"{one}.register_hook(scale)")
            self.emit(f"({one} + {two}).sin().sum().backward()")
            if self.chance(0.5):
                self.lines.append(Line(f"with torch.no_grad(): {one}.grad.mul_(2)", True))
            return
        x = self.pick(lambda n: n.memory.tracked and not n.leaf) or self.pick()
        options = self.random.choice(("", "", "retain_graph=True", "retain_graph=True"))
        if self.chance(0.15):
            y = self.pick(lambda n: n.leaf)
            options = f"inputs=[{y.name}]" + (", retain_graph=True" if self.chance(0.5) else "") if y else options
        if x.shape:
            form = self.random.choice(("{0}.sum()", "({0} * {0}).sum()", "{0}.mean()"))
            self.emit(f"{form.format(x.name)}.backward({options})")
        else:
            self.emit(f"{x.name}.backward({options})")

    def grad(self) -> None:
        """autograd.grad, sometimes of a gradient."""
        x = self.pick(lambda n: n.memory.tracked and not n.leaf)
        y = self.pick(lambda n: n.leaf) if self.chance(0.6) else self.pick(lambda n: n.memory.tracked)
        if not x or not y:
            return
        create = self.chance(0.4)
        memory = Memory(50.0, tracked=create)
        options = ", create_graph=True" if create else ", retain_graph=True" if self.chance(0.6) else ""
        options += ", allow_unused=True" if self.chance(0.5) else ""
        root = f"({x.name} * {x.name}).sum()" if self.chance(0.5) else f"{x.name}.sum()"
        made = self.fresh(y.shape, memory)
        self.emit(f"{made.name} = torch.autograd.grad({root}, [{y.name}]{options})[0].clone(memory_format=ROWS)")

    def hook(self) -> None:
        """A hook on a tensor, or the removal of one."""
        if self.handles and self.chance(0.25):
            self.emit(f"{self.random.choice(self.handles)}.remove()")
            return
        x = self.pick(lambda n: n.memory.tracked) or self.pick()
        number = len(self.handles)
        handle = f"h{number}"
        self.handles.append(handle)
        if x.leaf and self.chance(0.2):
            self.emit(f"{handle} = {x.name}.register_post_accumulate_grad_hook(spy_leaf({number}))")
            return
        hooks = ["double", f"spy({number})", f"spy({number})", "boom"] + (
            ["spoil", "spoil", "scale"] if self.ours else []
        )
        self.emit(f"{handle} = {x.name}.register_hook({self.random.choice(hooks)})")

    def retain(self) -> None:
        """retain_grad."""
        x = self.pick(lambda n: n.memory.tracked and not n.leaf)
        if x:
            x.retained = True
            self.emit(f"{x.name}.retain_grad()")

    def flag(self) -> None:
        """requires_grad_ on something."""
        x = self.pick()
        x.memory.tracked = True
        self.emit(f"{x.name}.requires_grad_()")

    def clear_grad(self) -> None:
        """An end to a leaf's gradient."""
        x = self.pick(lambda n: n.leaf)
        if x:
            self.emit(f"{x.name}.grad" + (" = None" if self.chance(0.5) else ".zero_()"))

    def use_grad(self) -> None:
        """A leaf's gradient as a variable, sometimes written."""
        x = self.pick(lambda n: n.leaf)
        if not x:
            return
        made = self.fresh(x.shape, Memory(50.0))
        self.emit(f"{made.name} = {x.name}.grad")
        if self.chance(0.5):
            self.lines.append(Line(f"{made.name}.mul_(0.5)", True))

    # Other lines

    def peek(self) -> None:
        """The values of one tensor, in the middle."""
        self.emit(f"peek({self.pick().name})")

    def look(self) -> None:
        """All about one tensor but its values."""
        self.emit(f"look({self.pick().name})")

    def delete(self) -> None:
        """One variable less."""
        if len(self.names) < 5:
            return
        x = self.pick()
        self.names.remove(x)
        self.emit(f"del {x.name}")

    def rebind(self) -> None:
        """A variable that stands for its own successor."""
        x = self.pick(lambda n: not n.leaf)
        if not x:
            return
        how = self.random.choice((".clone()", " + 1", ".tanh()", ".contiguous()"))
        if how != ".contiguous()":  # Which may return the tensor itself.
            x.memory = Memory(x.memory.bound + 1, x.memory.tracked)
            x.is_view = False
        self.emit(f"{x.name} = {x.name}{how}")

    def finish(self) -> None:
        """A loss over several variables, and its gradients."""
        wanted = [n for n in self.names if n.memory.tracked and not n.leaf and n.count and (self.ours or not n.loose)]
        self.random.shuffle(wanted)
        terms = [f"({n.name} * {n.name}).mean()" if self.chance(0.5) else f"{n.name}.mean()" for n in wanted]
        for text in ["loss = 0", *(f"loss = loss + {term}" for term in terms[: 8 if self.pure else 3])]:
            self.lines.append(Line(text))
        if terms:
            self.lines.append(Line("loss.backward()"))

    def write(self) -> tuple[Line, ...]:
        """All lines."""
        weights = PROFILES[self.profile]
        self.leaf()
        self.leaf() if self.chance(0.7) else self.constant()
        if self.pure or self.chance(0.6):
            self.unary()
        for _ in range(self.random.randrange(8, 28)):
            self.kind = self.random.choices(list(weights), list(weights.values()))[0]
            getattr(self, self.kind)()
        self.kind = ""
        self.finish()
        return tuple(self.lines)


def generate(seed: int, ours: bool = True) -> Program:
    """The program of a seed. Without `ours` it keeps to what PyTorch promises as well."""
    draw = random.Random(seed)
    profile = draw.choice(list(PROFILES))
    dtype = "float64" if profile == "pure" or draw.random() < 0.5 else "float32"
    lines = Writer(seed, profile, ours).write()
    return Program(seed, profile, lines, dtype, draw.choice(SETTINGS))
