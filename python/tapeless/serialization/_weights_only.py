# The unpickler that admits listed types only: a file cannot make it call anything else.
"""A reader of pickles that knows each opcode, and the list of what a file may name.

Nothing is imported for a file, and nothing is called but what the list holds; attributes are set only on objects of
listed types. Lengths are held against what the file has left, and keys of dicts must be flat, so that absurd files end
in errors.
"""

from __future__ import annotations

import pickle
import re
import struct
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import tapeless
from tapeless import _core, _utils
from tapeless._storage import BY_DTYPE
from tapeless._typed import CLASSES, tensortype
from tapeless.serialization import _names
from tapeless.serialization._pickling import storage_kind

UnpicklingError = pickle.UnpicklingError
# Modules of which nothing may be named, whatever a program allows.
BLOCKED = {"sys", "os", "posix", "nt"}
# Dtypes and layouts of PyTorch's that Tapeless has not; allowing their names would not help.
_ABSENT = re.compile(r"q?u?int\d+|float[48]|complex32|bits\d|_rebuild_(sparse|q|nested)")
_user: dict[str, Any] = {}
_MARK = object()
_DEEPEST_KEY = 32


def full_name(obj: Any) -> str:
    """module.name of a class or function, as files name it."""
    found = _names.written(obj)
    return ".".join(found) if found else f"{obj.__module__}.{obj.__qualname__}"


def add(entries: Iterable[Any]) -> None:
    """Allows functions and classes, or pairs of one and the name that files give it."""
    for entry in entries:
        if isinstance(entry, tuple):
            if len(entry) != 2 or not isinstance(entry[1], str):
                raise ValueError(f"Expected tuple of (global, str of callable full path), but got {entry!r}")
            _user[entry[1]] = entry[0]
        else:
            _user[full_name(entry)] = entry


def replace(entries: dict[str, Any]) -> dict[str, Any]:
    """Puts another list of what programs allowed in place; returns the one before."""
    before = dict(_user)
    _user.clear()
    _user.update(entries)
    return before


def allowed_by_user() -> list[Any]:
    """What programs allowed."""
    return [value if callable(value) and full_name(value) == name else (value, name) for name, value in _user.items()]


# --- Constructors whose arguments a file chooses: held to what pickles of their types contain. ---


def _encode(text: str, codec: str = "latin1") -> bytes:
    """How protocol 2 writes bytes; other codecs can inflate."""
    if not isinstance(text, str) or codec not in ("latin1", "latin-1", "utf-8"):
        raise UnpicklingError("load: _codecs.encode with another codec than latin1 is not allowed in a file of weights")
    return text.encode(codec)


def _bytearray(*parts: Any) -> bytearray:
    if parts and not isinstance(parts[0], (bytes, str)):
        raise UnpicklingError("load: a bytearray must be made of bytes in a file of weights")
    return bytearray(*parts)


def _of_items(kind: Callable[..., Any]) -> Callable[..., Any]:
    def make(*parts: Any) -> Any:
        for part in parts:
            keys = part if isinstance(part, (dict, list, tuple, set)) else ()
            for key in keys:
                check_key(key[0] if isinstance(key, (list, tuple)) and len(key) == 2 else key)
                check_key(key if not isinstance(key, list) else None)
        return kind(*parts)

    return make


def _defaults() -> dict[str, Any]:
    listed: dict[str, Any] = {
        "collections.OrderedDict": _of_items(OrderedDict),
        "collections.Counter": _of_items(Counter),
        "_codecs.encode": _encode,
        "builtins.bytearray": _bytearray,
        "builtins.set": _of_items(set),
        "builtins.complex": complex,
        "torch.Size": tapeless.Size,
        "torch.Tensor": _core.Tensor,
        "torch.device": _core.device,
        "torch.serialization._get_layout": tapeless.serialization._get_layout,
        "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
        "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
        "torch.storage.UntypedStorage": storage_kind("UntypedStorage"),
        "torch.storage.TypedStorage": storage_kind("TypedStorage"),
        "torch.UntypedStorage": storage_kind("UntypedStorage"),
    }
    for name in (
        "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_meta_tensor_no_storage",
        "_rebuild_parameter",
    ):  # fmt: skip
        listed[f"torch._utils.{name}"] = getattr(_utils, name)
    listed.update({f"torch.{str(dtype).rpartition('.')[2]}": dtype for dtype in BY_DTYPE})
    listed.update({f"torch.{kind.__name__}": storage_kind(kind.__name__) for kind in BY_DTYPE.values()})
    listed.update({f"torch.{name}": kind for name, kind in CLASSES.items()})
    return listed


def _rebuild_from_type(func: Any, new_type: Any, args: Any, state: Any) -> Any:
    known = [_utils._rebuild_tensor_v2, _utils._rebuild_tensor, _utils._rebuild_meta_tensor_no_storage]
    known += [_utils._rebuild_tensor_v3, _utils._rebuild_parameter, _rebuild_parameter]
    if func not in known or not (isinstance(new_type, type) and issubclass(new_type, _core.Tensor)):
        raise UnpicklingError("load: a tensor in the file is rebuilt by something else than a tensor's function")
    if isinstance(state, tuple):
        raise UnpicklingError("load: a tensor in a file of weights has slots")
    return _utils._rebuild_from_type_v2(func, new_type, args, state)


def _rebuild_parameter(data: Any, requires_grad: Any, hooks: Any, state: Any) -> Any:
    if not isinstance(state, dict) or any(not isinstance(key, str) or key.startswith("__") for key in state):
        raise UnpicklingError("load: the state of a parameter in the file has names that are none")
    return _utils._rebuild_parameter_with_state(data, requires_grad, hooks, state)


def _called(obj: Any) -> str:
    """A name for messages. Never the text of an object of a file: shared parts can make it endless."""
    name = getattr(obj, "__name__", None)
    return name if isinstance(name, str) else f"of type {type(obj).__name__}"


_listed: dict[str, Any] = {}


def listed() -> dict[str, Any]:
    """What files may name by default."""
    if not _listed:
        _listed.update(_defaults())
    return _listed


def look_up(module: str, name: str) -> Any:
    """The object that a file may call so; UnpicklingError for any other name."""
    if module.startswith("__builtin__"):
        module = "builtins"
    path = f"{module}.{name}"
    if module.partition(".")[0] in BLOCKED:
        raise UnpicklingError(f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked.")
    if path in _user:
        return _user[path]
    if path == "torch.nn.parameter.Parameter":
        return tapeless.nn.Parameter
    if path in listed():
        return listed()[path]
    if module == "torch" and name.endswith("Storage"):
        return storage_kind(name)
    if module in ("torch", "torch._utils") and _ABSENT.match(name):
        raise UnpicklingError(f"load: the file holds what Tapeless has not: {path} (a dtype or layout of PyTorch's)")
    hint = f"[{name}]" if module == "builtins" else f"[{path}]"
    raise UnpicklingError(
        f"WeightsUnpickler error: Unsupported global: GLOBAL {path} was not an allowed global by default. Please use "
        f"`torch.serialization.add_safe_globals({hint})` or the `torch.serialization.safe_globals({hint})` context "
        "manager to allowlist this global if you trust this class/function."
    )


def check_key(key: Any) -> None:
    """Refuses keys that are nested deeply: hashing them would exhaust the stack."""
    layer, depth = [key], 0
    while layer:
        layer = [part for item in layer if isinstance(item, (tuple, frozenset)) for part in item]
        depth += 1
        if depth > _DEEPEST_KEY or len(layer) > 100_000:
            raise UnpicklingError("load: a key in the file is nested too deeply")


class Unpickler:
    """Reads one pickle from a file; `load_storage` is told of each storage it refers to."""

    def __init__(self, file: Any, load_storage: Callable[[Any], Any], left: int) -> None:
        self._file, self._load_storage = file, load_storage
        self._left = left  # How many bytes there can be.
        named = [one for one in listed().values() if one is not _core.Tensor and not isinstance(one, tensortype)]
        self._callable = {id(one) for one in (*named, *_user.values())}
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    # --- bytes ---

    def read(self, count: int) -> bytes:
        """The next bytes; UnpicklingError where the file has not as many."""
        if count > self._left:
            raise UnpicklingError(f"load: pickle data was truncated: {count} bytes are wanted, {self._left} are left")
        data = self._file.read(count)
        if len(data) != count:
            raise UnpicklingError("load: pickle data was truncated")
        self._left -= count
        return data

    def line(self) -> str:
        """The text up to the end of the line."""
        data = self._file.readline(1000)
        if not data.endswith(b"\n"):
            raise UnpicklingError("load: pickle data was truncated, or a name is absurdly long")
        self._left -= len(data)
        return data[:-1].decode()

    def number(self, form: str) -> Any:
        """A number of a format of `struct`, little-endian."""
        return struct.unpack("<" + form, self.read(struct.calcsize(form)))[0]

    # --- the stack ---

    def pop(self) -> Any:
        """The last value; UnpicklingError where there is none."""
        if not self.stack or self.stack[-1] is _MARK:
            raise UnpicklingError("load: unpickling stack underflow; the file is damaged")
        return self.stack.pop()

    def top(self, kind: Any) -> Any:
        """The last value, which must be of a type."""
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise UnpicklingError("load: the file puts items into something that takes none")
        return self.stack[-1]

    def pop_mark(self) -> list[Any]:
        """The values since the last mark."""
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                items = self.stack[at + 1 :]
                del self.stack[at:]
                return items
        raise UnpicklingError("load: could not find MARK; the file is damaged")

    def load(self) -> Any:
        """The object that the pickle describes; UnpicklingError where it describes none."""
        try:
            return self._run()
        except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, struct.error) as error:
            raise UnpicklingError(f"load: the file is damaged: {type(error).__name__}: {error}") from error

    def _run(self) -> Any:
        operations = OPERATIONS
        while True:
            code = self.read(1)[0]
            if code == 0x2E:  # STOP
                return self.pop()
            action = operations.get(code)
            if action is None:
                raise UnpicklingError(f"Unsupported operand {code}")
            action(self)

    # --- what opcodes do ---

    def put(self, index: int) -> None:
        """Remembers the last value."""
        if not self.stack:
            raise UnpicklingError("load: unpickling stack underflow; the file is damaged")
        self.memo[index] = self.stack[-1]

    def get(self, index: int) -> None:
        """Pushes what was remembered."""
        if index not in self.memo:
            raise UnpicklingError(f"load: Memo value not found at index {index}")
        self.stack.append(self.memo[index])

    def reduce(self) -> None:
        """Calls a listed function with arguments."""
        arguments, function = self.pop(), self.pop()
        if not isinstance(arguments, tuple) or not callable(function) or id(function) not in self._callable:
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {_called(function)}")
        self.stack.append(function(*arguments))

    def new(self) -> None:
        """Makes an object of a class that the program allowed."""
        arguments, kind = self.pop(), self.pop()
        if not isinstance(arguments, tuple) or not any(kind is one for one in (*_user.values(), *_NEW)):
            raise UnpicklingError(f"Trying to create new object for unrecognized class {_called(kind)}")
        if kind in _NEW:
            self.stack.append(_of_items(kind)(*arguments))
            return
        self.stack.append(kind.__new__(kind, *arguments))

    def build(self) -> None:
        """Sets the state of an object whose type allows it."""
        state = self.pop()
        if not self.stack:
            raise UnpicklingError("load: unpickling stack underflow; the file is damaged")
        target = self.stack[-1]
        if type(target) in (OrderedDict, _utils.parameter_type(), _core.Tensor) and isinstance(state, dict):
            if any(not isinstance(key, str) or key.startswith("__") for key in state):
                raise UnpicklingError("load: the state of an object in the file has names that are none")
            target.__dict__.update(state)
        elif any(type(target) is one for one in _user.values()):
            _set_state(target, state)
        else:
            raise UnpicklingError(
                f"Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got "
                f"{type(target)}"
            )

    def set_items(self, items: list[Any]) -> None:
        """Puts keys and values, one after the other, into the dict below them."""
        target = self.top((dict,))
        if len(items) % 2:
            raise UnpicklingError("load: odd number of items for SETITEMS")
        for at in range(0, len(items), 2):
            check_key(items[at])
            target[items[at]] = items[at + 1]

    def extend(self, items: list[Any]) -> None:
        """Appends items to the list below them."""
        self.top((list,)).extend(items)

    def add_items(self, items: list[Any]) -> None:
        """Adds items to the set below them."""
        for item in items:
            check_key(item)
        self.top((set,)).update(items)

    def make_set(self) -> None:
        """A frozenset of the items since the mark."""
        items = self.pop_mark()
        for item in items:
            check_key(item)
        self.stack.append(frozenset(items))

    def take_global(self, module: Any, name: Any) -> None:
        """Pushes what a name stands for, if it is listed."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise UnpicklingError("load: a name in the file is not a text")
        self.stack.append(look_up(module, name))

    def text(self, length: int) -> None:
        """Pushes a text of so many bytes."""
        self.stack.append(self.read(length).decode("utf-8", "surrogatepass"))

    def tuple_of(self, count: int) -> None:
        """Pushes a tuple of the last values."""
        items = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def persistent(self) -> None:
        """Pushes the storage that an identifier stands for."""
        identifier = self.pop()
        if type(identifier) is not tuple or not identifier or identifier[0] != "storage":
            raise UnpicklingError(
                f"load: a reference in the file is a {type(identifier).__name__} that names no storage"
            )
        self.stack.append(self._load_storage(identifier))

    def long(self, length: int) -> None:
        """Pushes an integer of so many bytes."""
        if length < 0 or length > 4096:
            raise UnpicklingError(f"load: an integer of {length} bytes")
        self.stack.append(int.from_bytes(self.read(length), "little", signed=True))


_NEW = (OrderedDict, Counter, set)


def _set_state(target: Any, state: Any) -> None:
    """What pickle does with a state, for a type that the program trusts."""
    setter = getattr(target, "__setstate__", None)
    if setter is not None:
        setter(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    for name, value in (attributes or {}).items():
        target.__dict__[sys.intern(name) if type(name) is str else name] = value
    for name, value in (slots or {}).items():
        setattr(target, name, value)


def _pushed(value: Any) -> Callable[[Unpickler], None]:
    return lambda u: u.stack.append(value() if callable(value) else value)


def _stack_global(u: Unpickler) -> None:
    name, module = u.pop(), u.pop()
    u.take_global(module, name)


def _pop(u: Unpickler) -> None:
    if not u.stack:
        raise UnpicklingError("load: unpickling stack underflow; the file is damaged")
    u.stack.pop()


def _set_item(u: Unpickler) -> None:
    value, key = u.pop(), u.pop()
    u.set_items([key, value])


def _append(u: Unpickler) -> None:
    item = u.pop()
    u.extend([item])


OPERATIONS: dict[int, Callable[[Unpickler], None]] = {
    code[0]: action
    for code, action in {
        pickle.PROTO: lambda u: u.read(1) and None,
        pickle.FRAME: lambda u: u.read(8) and None,
        pickle.MARK: lambda u: u.stack.append(_MARK),
        pickle.POP: _pop,
        pickle.POP_MARK: lambda u: u.pop_mark() and None,
        pickle.NONE: _pushed(None),
        pickle.NEWTRUE: _pushed(True),
        pickle.NEWFALSE: _pushed(False),
        pickle.EMPTY_TUPLE: _pushed(()),
        pickle.EMPTY_LIST: _pushed(list),
        pickle.EMPTY_DICT: _pushed(dict),
        pickle.EMPTY_SET: _pushed(set),
        pickle.BININT: lambda u: u.stack.append(u.number("i")),
        pickle.BININT1: lambda u: u.stack.append(u.number("B")),
        pickle.BININT2: lambda u: u.stack.append(u.number("H")),
        pickle.BINFLOAT: lambda u: u.stack.append(struct.unpack(">d", u.read(8))[0]),
        pickle.LONG1: lambda u: u.long(u.number("B")),
        pickle.LONG4: lambda u: u.long(u.number("i")),
        pickle.BINUNICODE: lambda u: u.text(u.number("I")),
        pickle.SHORT_BINUNICODE: lambda u: u.text(u.number("B")),
        pickle.BINUNICODE8: lambda u: u.text(u.number("Q")),
        pickle.SHORT_BINSTRING: lambda u: u.text(u.number("B")),
        pickle.BINBYTES: lambda u: u.stack.append(u.read(u.number("I"))),
        pickle.SHORT_BINBYTES: lambda u: u.stack.append(u.read(u.number("B"))),
        pickle.BINBYTES8: lambda u: u.stack.append(u.read(u.number("Q"))),
        pickle.BYTEARRAY8: lambda u: u.stack.append(bytearray(u.read(u.number("Q")))),
        pickle.BINPUT: lambda u: u.put(u.number("B")),
        pickle.LONG_BINPUT: lambda u: u.put(u.number("I")),
        pickle.MEMOIZE: lambda u: u.put(len(u.memo)),
        pickle.BINGET: lambda u: u.get(u.number("B")),
        pickle.LONG_BINGET: lambda u: u.get(u.number("I")),
        pickle.TUPLE: lambda u: u.stack.append(tuple(u.pop_mark())),
        pickle.TUPLE1: lambda u: u.tuple_of(1),
        pickle.TUPLE2: lambda u: u.tuple_of(2),
        pickle.TUPLE3: lambda u: u.tuple_of(3),
        pickle.APPEND: _append,
        pickle.APPENDS: lambda u: u.extend(u.pop_mark()),
        pickle.SETITEM: _set_item,
        pickle.SETITEMS: lambda u: u.set_items(u.pop_mark()),
        pickle.ADDITEMS: lambda u: u.add_items(u.pop_mark()),
        pickle.FROZENSET: Unpickler.make_set,
        pickle.GLOBAL: lambda u: u.take_global(u.line(), u.line()),
        pickle.STACK_GLOBAL: _stack_global,
        pickle.REDUCE: Unpickler.reduce,
        pickle.NEWOBJ: Unpickler.new,
        pickle.BUILD: Unpickler.build,
        pickle.BINPERSID: Unpickler.persistent,
    }.items()
}
