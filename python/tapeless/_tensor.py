# Methods of Tensor that are written in Python: conversions, forms of `to`, backward, and what forwards to functions.
"""Fills in the methods of tapeless.Tensor."""

import builtins
from typing import Any

import tapeless
from tapeless import _core, operations
from tapeless._core import Tensor
from tapeless._storage import TypedStorage, UntypedStorage
from tapeless._tensor_str import tensor_repr
from tapeless._typed import construct, dtype_named, legacy_name, tensortype

_to_dtype = _core.functions["_to_dtype"]


def _construct(*args: Any, **kwargs: Any) -> Tensor:
    """Tensor(): sizes give uninitialised elements, a sequence or tensor its elements, in the default dtype."""
    if len(args) == 1 and isinstance(args[0], Tensor):
        return args[0].detach()
    return construct(tapeless.get_default_dtype(), "new", args, kwargs)


def _represent(self: Tensor) -> str:
    held = _core._held_by_level(self)
    if held is not None:
        kind, depth, value, tangent = held
        if kind == "batched":
            return f"BatchedTensor(lvl={depth}, bdim=0, value={value!r})"
        return f"{value!r}"[:-1] + f", tangent={tangent!r})"
    try:
        node = self.grad_fn
        name = None if node is None else node.name()
    except RuntimeError:
        name = "Invalid"  # A view whose base was written where that could not be recorded.
    default = repr(tapeless.get_default_dtype()).removeprefix("torch.")
    return tensor_repr(self, name, default_dtype=default)


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
    """What the forms of `to` ask for: device, dtype, non_blocking, memory_format; None where nothing is said."""
    return _to_wanted(args, kwargs)[:4]


def _to_wanted(args: Any, kwargs: Any) -> tuple[Any, ...]:
    given = dict(kwargs)
    dtype, device = given.pop("dtype", None), given.pop("device", None)
    copy, blocking = given.pop("copy", False), given.pop("non_blocking", False)
    form = given.pop("memory_format", None)
    other = given.pop("tensor", given.pop("other", None))
    flags = []
    for at, arg in enumerate(args):
        if isinstance(arg, _core.dtype):
            dtype = arg
        elif isinstance(arg, Tensor):
            other = arg
        elif isinstance(arg, builtins.bool):
            flags.append(arg)
        elif isinstance(arg, (str, _core.device, builtins.int)) and at == 0:
            device = arg
        elif arg is not None:
            given[str(at)] = arg
    if given or len(flags) > 2:
        named = (f"{name}={type(value).__name__}" for name, value in kwargs.items())
        got = ", ".join([*(type(arg).__name__ for arg in args), *named])
        raise TypeError(
            f"to() received an invalid combination of arguments - got ({got}), but expected one of:\n"
            " * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, "
            "*, torch.memory_format memory_format = None)\n"
            " * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, "
            "torch.memory_format memory_format = None)\n"
            " * (Tensor tensor, bool non_blocking = False, bool copy = False, *, "
            "torch.memory_format memory_format = None)\n"
        )
    if other is not None:
        dtype, device = other.dtype, other.device
    device = None if device is None else tapeless.device(device)
    blocking = flags[0] if flags else blocking
    return device, dtype, blocking, form, flags[1] if len(flags) > 1 else copy


def _to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor with another dtype or device: to(dtype), to(device[, dtype]), to(other); itself if nothing changes."""
    device, dtype, _, form, copy = _to_wanted(args, kwargs)
    if device is not None and device.type != self.device.type:
        return _move(self, device, dtype or self.dtype)
    if dtype is None and form is None and not copy:
        return self
    return _to_dtype(self, self.dtype if dtype is None else dtype, copy, memory_format=form)


def _move(self: Tensor, device: Any, dtype: Any) -> Tensor:
    if device.type == "cpu":
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    return tapeless.empty_strided(self.shape, self.stride(), dtype=dtype, device=device)


def _view(self: Tensor, *shape: Any, dtype: Any = None) -> Tensor:
    """The view with other sizes, or with the same bytes as another dtype."""
    dtype = shape[0] if shape and isinstance(shape[0], _core.dtype) else dtype
    if dtype is not None:
        return _core._view_dtype(self, dtype)
    return _core.functions["_view"](self, *shape)


def _backward(
    self: Tensor,
    gradient: Any = None,
    retain_graph: Any = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Accumulates the gradients of this tensor into the leaves that it was computed from."""
    tapeless.autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def _type(self: Tensor, dtype: Any = None, non_blocking: bool = False, **kwargs: Any) -> Any:
    """The legacy type name ('torch.FloatTensor'), or the tensor converted to a dtype or to such a name."""
    if dtype is None:
        return legacy_name(self.dtype)
    if isinstance(dtype, (str, tensortype)):
        dtype = dtype_named(dtype)
    return _to_dtype(self, dtype)


def _new(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Tensor() in this tensor's dtype and on its device."""
    kwargs.setdefault("device", self.device)
    return construct(self.dtype, "new", args, kwargs)


def _apply(self: Tensor, callable: Any) -> Tensor:
    """Replaces each element by what a Python function makes of it; slow, and not differentiated."""
    return _filled(self, [callable(v) for v in self.flatten().tolist()])


def _map(self: Tensor, tensor: Tensor, callable: Any) -> Tensor:
    """Replaces each element by what a Python function makes of it and of another tensor's element."""
    pairs = zip(self.flatten().tolist(), tensor.expand(self.shape).flatten().tolist(), strict=True)
    return _filled(self, [callable(a, b) for a, b in pairs])


def _filled(self: Tensor, elements: list[Any]) -> Tensor:
    return self.copy_(tapeless.tensor(elements, dtype=self.dtype).view(self.shape))


def _dim_order(self: Tensor) -> tuple[builtins.int, ...]:
    """The dimensions in the order in which they lie in memory, the outermost first."""
    return tuple(sorted(range(self.dim()), key=lambda d: -self.stride(d)))


# Layouts and devices that no tensor has here.
_OTHER_KINDS = (
    "cuda", "ipu", "maia", "mkldnn", "mps", "mtia", "nested", "quantized", "sparse", "sparse_csr", "vulkan", "xla",
    "xpu",
)  # fmt: skip


def _conversion(dtype: Any) -> Any:
    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        if memory_format is None:
            return _to_dtype(self, dtype)
        return _to_dtype(self, dtype, memory_format=memory_format)

    convert.__doc__ = f"The tensor converted to {dtype}; itself if it has that dtype."
    return convert


def _is_sizes(size: Any) -> builtins.bool:
    return len(size) == 1 and not isinstance(size[0], int)


def _iterate(self: Tensor) -> Any:
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


def _contains(self: Tensor, element: Any) -> builtins.bool:
    if isinstance(element, (Tensor, int, float, complex)):
        return builtins.bool((self == element).any().item())
    raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")


def _format(self: Tensor, spec: str) -> str:
    if self.dim() == 0 and type(self) is Tensor:
        return self.item().__format__(spec)
    return object.__format__(self, spec)


def _as_subclass(self: Tensor, cls: Any) -> Any:
    """The tensor as an instance of a subclass of Tensor, over the same memory."""
    return _core._make_subclass(cls, self)


@classmethod
def _torch_function(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """What a subclass without a __torch_function__ of its own does: results become instances of the subclass."""
    with tapeless.overrides.DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
    return _converted(result, cls)


def _converted(result: Any, cls: Any) -> Any:
    if type(result) is Tensor and cls is not Tensor:
        result.__class__ = cls
        return result
    if isinstance(result, (tuple, list)):
        parts = [_converted(part, cls) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return result


def _conjugate_transpose(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if self.dim() not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.dim()}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if self.dim() > 2 else "")
        )
    return self.transpose(-2, -1).conj() if self.dim() else self.conj()


_METHODS: dict[str, Any] = {
    **{name: f for name, f in _core.tensor_methods.items() if not name.startswith("_")},
    **operations.methods,
    "where": lambda self, condition, other: operations.functions["where"](condition, self, other),
    "to": _to,
    "view": _view,
    "type": _type,
    "backward": _backward,
    "apply_": _apply,
    "map_": _map,
    "dim_order": _dim_order,
    "__iter__": _iterate,
    "__contains__": _contains,
    "bernoulli": tapeless.bernoulli,
    "new_empty_strided": lambda self, size, stride, dtype=None, device=None, **other: tapeless.empty_strided(
        size, stride, dtype=dtype or self.dtype, device=device or self.device, **other
    ),
    "set_": lambda self, source=None: _core._set(self, source),
    "grad_dtype": property(_core._grad_dtype, _core._set_grad_dtype),
    "__format__": _format,
    "as_subclass": _as_subclass,
    "_make_subclass": staticmethod(_core._make_subclass),
    "untyped_storage": lambda self: UntypedStorage(self),
    "__torch_function__": _torch_function,
    "__complex__": lambda self: complex(self.item()),
    "__rdiv__": lambda self, other: self.reciprocal() * other,
    "__reversed__": lambda self: self[list(range(len(self) - 1, -1, -1))] if len(self) else self,
    "swapaxes_": lambda self, axis0, axis1: self.transpose_(axis0, axis1),
    "swapdims_": lambda self, dim0, dim1: self.transpose_(dim0, dim1),
    "new": _new,
    "storage": lambda self: TypedStorage(self),
    "_typed_storage": lambda self: TypedStorage(self),
    "to_dense": lambda self, dtype=None, *, masked_grad=None: self if dtype is None else self.to(dtype),
    "is_set_to": lambda self, other: self.data_ptr() == other.data_ptr() and self.shape == other.shape,
    "expand_as": lambda self, other: self.expand(other.shape),
    "view_as": lambda self, other: self.view(other.shape),
    "reshape_as": lambda self, other: self.reshape(other.shape),
    "type_as": lambda self, other: self.to(other.dtype),
    "element_size": lambda self: self.itemsize,
    "get_device": lambda self: -1,
    "nbytes": property(lambda self: self.numel() * self.itemsize),
    "_cdata": property(builtins.id),  # the tensor is the Python object: which one it is
    "H": property(_conjugate_transpose),
    "mH": property(lambda self: self.transpose(-2, -1).conj()),
    "real": property(lambda self: operations.functions["real"](self)),
    "imag": property(lambda self: operations.functions["imag"](self)),
    "layout": property(lambda self: tapeless.strided),
    "name": property(lambda self: None),
    "names": property(lambda self: (None,) * self.dim()),
    "is_cpu": property(lambda self: self.device.type == "cpu"),
    "is_meta": property(lambda self: self.device.type == "meta"),
    **{f"is_{kind}": property(lambda self: False) for kind in _OTHER_KINDS},
}

for _name, _kind in (
    ("float", tapeless.float32), ("double", tapeless.float64), ("half", tapeless.float16),
    ("bfloat16", tapeless.bfloat16), ("int", tapeless.int32), ("long", tapeless.int64), ("short", tapeless.int16),
    ("char", tapeless.int8), ("byte", tapeless.uint8), ("bool", tapeless.bool), ("cfloat", tapeless.complex64),
    ("cdouble", tapeless.complex128),
):  # fmt: skip
    _METHODS[_name] = _conversion(_kind)

for _name, _method in _METHODS.items():
    setattr(Tensor, _name, _method)

tapeless._nn._parse_to = _parse_to

Tensor.__module__ = "torch"
