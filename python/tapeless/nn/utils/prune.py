# Pruning: weights of which a mask sets some to zero.
"""Pruning methods. A pruned parameter NAME is stored as NAME_orig with the buffer NAME_mask; NAME is their product."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.nn.utils.convert_parameters import parameters_to_vector


class BasePruningMethod(ABC):
    """A way to choose what is pruned, and the hook that applies the mask before each forward.

    A subclass defines `compute_mask` and says in PRUNING_TYPE what it chooses among: "unstructured" elements,
    "structured" channels along its `dim`, or "global".
    """

    _tensor_name: str
    PRUNING_TYPE: str

    def __call__(self, module: Any, inputs: Any) -> None:
        """Apply the mask."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for importances t, zero where default_mask is."""

    def apply_mask(self, module: Any) -> Tensor:
        """The stored parameter times its mask."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask = getattr(module, self._tensor_name + "_mask")
        stored = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=stored.dtype) * stored

    @classmethod
    def apply(cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune a parameter by this method, on top of what has pruned it before."""
        method = _combined(_taken_hook(module, name), cls(*args, **kwargs), name)
        again = isinstance(method, PruningContainer)
        parameter = getattr(module, name)
        if importance_scores is None:
            importance_scores = parameter
        elif importance_scores.shape != parameter.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {importance_scores.shape} vs {parameter.shape}"
            )
        if again:
            mask = getattr(module, name + "_mask").detach().clone(memory_format=tapeless.contiguous_format)
        else:
            parameter = module._parameters[name]
            module.register_parameter(name + "_orig", parameter)
            del module._parameters[name]
            mask = tapeless.ones_like(parameter)
        try:
            # Importances are compared, not differentiated.
            with tapeless.no_grad():
                mask = method.compute_mask(importance_scores, default_mask=mask)
            module.register_buffer(name + "_mask", mask)
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if not again:
                module.register_parameter(name, parameter)
                del module._parameters[name + "_orig"]
            raise
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """A pruned copy of a tensor, without any module."""
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        default_mask = tapeless.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(importance_scores, default_mask=default_mask)

    def remove(self, module: Any) -> None:
        """Make the pruned values the parameter again, for good."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        name = self._tensor_name
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        stored = module._parameters.pop(name + "_orig")
        stored.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, stored)


def _taken_hook(module: Any, name: str) -> Any:
    """The method that prunes a parameter already, whose hook is removed; or None."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            del module._forward_pre_hooks[key]
            return hook
    return None


def _combined(before: Any, method: Any, name: str) -> Any:
    """The method alone, or in a container after those before."""
    method._tensor_name = name
    if before is None:
        return method
    if not isinstance(before, PruningContainer):
        container = PruningContainer(before)
        before = container
    before.add_pruning_method(method)
    return before


class PruningContainer(BasePruningMethod):
    """Several methods for one parameter: each prunes what those before have left."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if not isinstance(args, Iterable) or len(args) == 0:
            return
        self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add a method for the same parameter."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask so far, in which the last method prunes some of what is left."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        left: Any
        if method.PRUNING_TYPE == "unstructured":
            left = mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    "Pruning methods of PRUNING_TYPE 'structured' need to have the attribute `dim` defined."
                )
            dim = method.dim % t.dim()
            left = [slice(None)] * t.dim()
            left[dim] = mask.sum(dim=[d for d in range(t.dim()) if d != dim]) != 0
            left = tuple(left)
        elif method.PRUNING_TYPE == "global":
            left = (slice(None),) * t.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        chosen = method.compute_mask(t[left], default_mask=mask[left])
        combined = mask.clone()
        combined[left] = chosen.to(dtype=mask.dtype)
        return combined


class Identity(BasePruningMethod):
    """Prunes nothing, but stores the parameter with a mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it was."""
        return default_mask

    @classmethod
    def apply(cls, module: Any, name: str) -> Any:
        """Give a parameter a mask of ones."""
        return super().apply(module, name)


def _without(mask: Tensor, count: int, scores: Callable[[], Tensor], largest: bool) -> Tensor:
    """The mask with as many more zeros, where the scores are largest or least; nothing is drawn for no zeros."""
    mask = mask.clone(memory_format=tapeless.contiguous_format)
    if count:
        mask.view(-1)[tapeless.topk(scores().view(-1), k=count, largest=largest).indices] = 0
    return mask


class RandomUnstructured(BasePruningMethod):
    """Prunes elements at random, each alike."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Any) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zero where the largest of uniform draws are."""
        return _without(default_mask, _count(self.amount, t.nelement()), lambda: tapeless.rand_like(t), largest=True)

    @classmethod
    def apply(cls, module: Any, name: str, amount: Any) -> Any:
        """Prune a number or a share of a parameter's elements."""
        return super().apply(module, name, amount=amount)


class L1Unstructured(BasePruningMethod):
    """Prunes the elements of least magnitude."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Any) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zero where the magnitudes are least."""
        return _without(default_mask, _count(self.amount, t.nelement()), lambda: tapeless.abs(t), largest=False)

    @classmethod
    def apply(cls, module: Any, name: str, amount: Any, importance_scores: Any = None) -> Any:
        """Prune a number or a share of a parameter's elements."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class RandomStructured(BasePruningMethod):
    """Prunes channels along a dimension at random."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zero in the channels whose uniform draws are least."""
        channels, count = _channels(self.amount, t, self.dim)
        if not count:
            return default_mask
        drawn = tapeless.rand(channels)
        keep = drawn > tapeless.kthvalue(drawn, k=count).values
        return default_mask * _of_channels(t, self.dim, keep).to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module: Any, name: str, amount: Any, dim: int = -1) -> Any:
        """Prune a number or a share of a parameter's channels."""
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(BasePruningMethod):
    """Prunes the channels along a dimension whose n-norm is least."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zero in the channels of least norm."""
        channels, count = _channels(self.amount, t, self.dim)
        if not count:
            return default_mask
        kept = tapeless.topk(_compute_norm(t, self.n, self.dim), k=channels - count, largest=True)
        return default_mask * _of_channels(t, self.dim, kept.indices).to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module: Any, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None) -> Any:
        """Prune a number or a share of a parameter's channels."""
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is zero."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The given mask times the one so far."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"mask shape mismatch: default_mask {default_mask.shape} vs self.mask {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module: Any, name: str, mask: Tensor) -> Any:
        """Prune a parameter by a mask."""
        return super().apply(module, name, mask=mask)


def identity(module: Any, name: str) -> Any:
    """Store a parameter with a mask of ones; returns the module, as the functions below do."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: Any) -> Any:
    """Prune a number (int) or a share (float) of a parameter's elements at random."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: Any, importance_scores: Any = None) -> Any:
    """Prune a number or a share of a parameter's elements, those of least magnitude."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: Any, dim: int) -> Any:
    """Prune a number or a share of a parameter's channels along `dim` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Any, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None) -> Any:
    """Prune a number or a share of a parameter's channels along `dim`, those of least n-norm."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(parameters: Any, pruning_method: Any, importance_scores: Any = None, **kwargs: Any) -> None:
    """Prune elements of several parameters, (module, name) each, as if they were one vector."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    parameters = list(parameters)
    importance_scores = {} if importance_scores is None else importance_scores
    if not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    tensors = [getattr(module, name) for module, name in parameters]
    scores = parameters_to_vector(
        importance_scores.get(key, tensor) for key, tensor in zip(parameters, tensors, strict=True)
    )
    masks = parameters_to_vector(
        getattr(module, name + "_mask", tapeless.ones_like(tensor))
        for (module, name), tensor in zip(parameters, tensors, strict=True)
    )
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "temp"
    container = PruningContainer(method)
    with tapeless.no_grad():
        mask = container.compute_mask(scores, masks)
    start = 0
    for (module, name), tensor in zip(parameters, tensors, strict=True):
        custom_from_mask(module, name, mask=mask[start : start + tensor.numel()].view_as(tensor))
        start += tensor.numel()


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune a parameter by a mask."""
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Any, name: str) -> Any:
    """Make a parameter's pruned values the parameter itself."""
    hook = next(
        (
            hook
            for hook in module._forward_pre_hooks.values()
            if isinstance(hook, BasePruningMethod) and hook._tensor_name == name
        ),
        None,
    )
    if hook is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    _taken_hook(module, name).remove(module)
    return module


def is_pruned(module: Any) -> bool:
    """Whether a parameter of the module, or of one below it, is pruned."""
    return any(
        isinstance(hook, BasePruningMethod) for each in module.modules() for hook in each._forward_pre_hooks.values()
    )


def _validate_pruning_amount_init(amount: Any) -> None:
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if (isinstance(amount, int) and amount < 0) or (isinstance(amount, float) and not 0.0 <= amount <= 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _validate_pruning_amount(amount: Any, tensor_size: int) -> None:
    if isinstance(amount, int) and amount > tensor_size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={tensor_size}")


def _validate_structured_pruning(t: Tensor) -> None:
    if t.dim() <= 1:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
            f"{t.shape} with {t.dim()} dims"
        )


def _validate_pruning_dim(t: Tensor, dim: int) -> None:
    if dim >= t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")


def _compute_nparams_toprune(amount: Any, tensor_size: int) -> int:
    """How many elements a number or a share of them is."""
    return amount if isinstance(amount, int) else round(amount * tensor_size)


def _count(amount: Any, size: int) -> int:
    count = _compute_nparams_toprune(amount, size)
    _validate_pruning_amount(count, size)
    return count


def _channels(amount: Any, t: Tensor, dim: int) -> tuple[int, int]:
    """How many channels there are and how many are pruned."""
    _validate_structured_pruning(t)
    _validate_pruning_dim(t, dim)
    return t.shape[dim], _count(amount, t.shape[dim])


def _of_channels(t: Tensor, dim: int, kept: Tensor) -> Tensor:
    """Ones in the kept channels, zeros elsewhere."""
    mask = tapeless.zeros_like(t)
    index: list[Any] = [slice(None)] * t.dim()
    index[dim] = kept
    mask[tuple(index)] = 1
    return mask


def _compute_norm(t: Tensor, n: Any, dim: int) -> Tensor:
    """The n-norm of each channel."""
    others = [d for d in range(t.dim()) if d != dim % t.dim()]
    return tapeless.norm(t, p=n, dim=others)
