# Tensors that a module owns: parameters, buffers, and those whose shape is not known yet.
"""Parameter, Buffer and their uninitialised forms.

A tensor of another subclass stays one when it is made a parameter; it is then marked, and `isinstance` reads the mark.
"""

from collections import OrderedDict
from typing import Any

import tapeless
from tapeless import Tensor

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


class _ParameterMeta(type(Tensor)):
    """Lets marked tensors of other classes pass for parameters."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a module lists among its parameters when it is assigned as an attribute.

    Shares memory with `data`, and is a leaf that requires gradients unless told otherwise.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        """A leaf over the memory of what is given."""
        if data is None:
            data = tapeless.empty(0)
        if type(data) in (Tensor, Parameter):
            return Tensor._make_subclass(cls, data, requires_grad)
        marked = data.detach().requires_grad_(requires_grad)
        if type(marked) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns "
                f"an instance of the same type, but return type {type(marked).__name__} was found instead. To use the "
                "type as a Parameter, please correct the detach() semantics defined by its __torch_dispatch__() "
                "implementation."
            )
        marked._is_param = True
        return marked

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            copied = self.data.clone(memory_format=tapeless.preserve_format)
            memo[id(self)] = type(self)(copied, self.requires_grad)
        return memo[id(self)]

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        parts = (self.data, self.requires_grad, OrderedDict())
        if self.__dict__:
            return tapeless._utils._rebuild_parameter_with_state, (*parts, dict(self.__dict__))
        return tapeless._utils._rebuild_parameter, parts

    __torch_function__ = tapeless.overrides._disabled_torch_function_impl


class UninitializedTensorMixin:
    """What a tensor without a shape refuses, and `materialize`, which gives it one."""

    # What conversions and reading a state are made of; everything else needs values.
    _allowed = frozenset(
        """__hash__ size copy_ is_complex is_floating_point half float double char short int long cuda cpu to
        get_device _to_dtype detach type is_meta bfloat16 requires_grad_""".split()
    )

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary parameter or buffer of that shape, with undefined values."""
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        self.data = tapeless.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        """Not known yet: RuntimeError."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def _still_waiting(self, converted: Tensor) -> Any:
        """What a conversion gives: of a parameter its values, which its module puts into it."""
        return converted

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """The conversion of the empty values, which have a shape; see `Tensor.to`."""
        return self._still_waiting(self.data.to(*args, **kwargs))

    def share_memory_(self) -> Any:
        """There is nothing to share yet: RuntimeError."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return type(self), (self.requires_grad,)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in cls._allowed or type(func).__name__ == "method-wrapper":
            with tapeless.overrides.DisableTorchFunctionSubclass():
                out = func(*args, **(kwargs or {}))
            return args[0]._still_waiting(out) if type(out) is Tensor else out
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {func}. This error happens when you are using a "
            "`LazyModule` or explicitly manipulating `torch.nn.parameter.UninitializedParameter` objects. When using "
            "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling torch functions"
        )


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape the first batch decides."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        """A leaf over the memory of what is given."""
        return Tensor._make_subclass(cls, tapeless.empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]


def is_lazy(param: Any) -> bool:
    """Whether a tensor still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)


class _BufferMeta(type(Tensor)):
    """A buffer is an ordinary tensor with a mark."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a module lists among its buffers when it is assigned as an attribute.

    One that is not `persistent` is left out of the module's state_dict.
    """

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """A leaf over the memory of what is given."""
        if data is None:
            data = tapeless.empty(0)
        marked = data.detach().requires_grad_(data.requires_grad)
        marked.persistent = persistent
        marked._is_buffer = True
        return marked

    __torch_function__ = tapeless.overrides._disabled_torch_function_impl


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape the first batch decides."""

    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        """A leaf over the memory of what is given."""
        made = Tensor._make_subclass(cls, tapeless.empty(0, device=device, dtype=dtype), requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made

    def _still_waiting(self, converted: Tensor) -> Any:
        """A buffer of the other dtype that waits as well."""
        return type(self)(False, converted.device, converted.dtype, getattr(self, "persistent", True))
