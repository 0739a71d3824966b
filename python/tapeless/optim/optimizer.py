# What all optimizers share: groups of parameters, state, hooks, checkpoints.
"""The base class `Optimizer` and what runs around a step.

An optimizer holds *groups* (dicts with a list of parameters under "params" and the options that they share) and a
*state* (a dict for each parameter). How the classes of this package make a step of that is in `formula.py`.
"""

import copy
import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, TypeAlias

import tapeless as torch
from tapeless import Tensor
from tapeless.utils.hooks import RemovableHandle

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
StateDict: TypeAlias = dict[str, Any]

# What optimizers of other packages put into their docstrings.
_params_doc = "params: the parameters, (name, parameter) pairs of them, or dicts of groups"
_maximize_doc = "maximize: whether steps go up the gradient instead of down"
_differentiable_doc = "differentiable: whether steps are recorded, so that gradients flow through them"
_foreach_doc = "foreach: accepted; changes nothing"
_fused_doc = "fused: accepted; changes nothing"
_capturable_doc = "capturable: accepted; changes nothing"

_global_optimizer_pre_hooks: dict[int, Callable[..., Any]] = OrderedDict()
_global_optimizer_post_hooks: dict[int, Callable[..., Any]] = OrderedDict()


class _RequiredParameter:
    """The default of an option that every group has to give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()


def _hooked(hooks: dict[int, Any], hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
    """Put a hook among the others; the handle takes it away again."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)  # type: ignore[attr-defined]
    return handle


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before each step of every optimizer; it may return other (args, kwargs)."""
    return _hooked(_global_optimizer_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after each step of every optimizer."""
    return _hooked(_global_optimizer_post_hooks, hook)


def _use_grad_for_differentiable(step: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a step: it records gradients only if the optimizer was made with differentiable=True."""

    @functools.wraps(step)
    def wrapper(self: "Optimizer", *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(bool(self.defaults.get("differentiable"))):
            return step(self, *args, **kwargs)

    return wrapper


def _get_value(x: Any) -> Any:
    """The number in a tensor; what is no tensor stays."""
    return x.item() if isinstance(x, Tensor) else x


def _to_scalar(x: Any) -> Any:
    """A tensor of one element without its dimensions; what is no tensor stays."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() != 0 else x


def _get_scalar_dtype(is_fused: bool | None = None) -> torch.dtype:
    """The dtype of `step` and other counters in a state: float32 unless the default dtype is float64."""
    return torch.float64 if not is_fused and torch.get_default_dtype() == torch.float64 else torch.float32


def _default_to_fused_or_foreach(
    params: list[Tensor], differentiable: bool, use_fused: bool = False
) -> tuple[bool, bool]:
    """Whether `fused` and `foreach` loops are taken when nothing is said: there is one loop here, so neither."""
    return False, False


def _disable_dynamo_if_unsupported(single_tensor_fn: Any = None) -> Callable[..., Any]:
    """Decorates a functional step and leaves it as it is: nothing is traced."""
    return lambda function: function


def _stack_if_compiling(x: Any) -> Any:
    """Numbers of several devices as one tensor while a program is traced; here they stay."""
    return x


def _view_as_real(params: list[Tensor], *state_and_grads: list[Tensor]) -> None:
    """Replace complex parameters, and what belongs to them in the other lists, by pairs of reals."""
    for at, p in enumerate(params):
        if p.is_complex():
            for column in (params, *state_and_grads):
                column[at] = torch.view_as_real(column[at])


def _get_capturable_supported_devices(supports_xla: bool = True) -> list[str]:
    """The devices whose graphs can capture a step: none."""
    return []


class Optimizer:
    """Base of all optimizers.

    `params`: tensors, (name, tensor) pairs, or dicts of groups. `defaults`: the options that a group takes where it
    does not give its own. A subclass writes `step`; `self.state[parameter]` is a dict that it may fill.
    """

    OptimizerPreHook: TypeAlias = Callable[..., Any]
    OptimizerPostHook: TypeAlias = Callable[..., None]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        self._patch_step_function()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{torch.typename(params)}"
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        # Trainers that capture steps into graphs of a device look for this name.
        self._warned_capturable_if_run_uncaptured = True

    def _make_hooks(self) -> None:
        self._optimizer_step_pre_hooks: dict[int, Any] = OrderedDict()
        self._optimizer_step_post_hooks: dict[int, Any] = OrderedDict()
        self._optimizer_state_dict_pre_hooks: dict[int, Any] = OrderedDict()
        self._optimizer_state_dict_post_hooks: dict[int, Any] = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks: dict[int, Any] = OrderedDict()
        self._optimizer_load_state_dict_post_hooks: dict[int, Any] = OrderedDict()

    # --- Pickling and printing ---

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_optimizer_step_pre_hooks" not in self.__dict__:
            self._make_hooks()
        self._patch_step_function()

    def __repr__(self) -> str:
        lines = []
        for at, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {at}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return f"{type(self).__name__} (" + "\n".join(lines) + "\n)"

    # --- Hooks around a step ---

    @staticmethod
    def profile_hook_step(func: Callable[..., Any]) -> Callable[..., Any]:
        """A step with the hooks before and after it."""

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self = args[0]
            before = self._optimizer_step_pre_hooks
            if before or _global_optimizer_pre_hooks:
                for hook in chain(_global_optimizer_pre_hooks.values(), before.values()):
                    args, kwargs = _replaced(func, hook(self, args, kwargs), (args, kwargs))
            out = func(*args, **kwargs)
            self._optimizer_step_code()
            after = self._optimizer_step_post_hooks
            if after or _global_optimizer_post_hooks:
                for hook in chain(after.values(), _global_optimizer_post_hooks.values()):
                    hook(self, args, kwargs)
            return out

        return wrapper

    def _patch_step_function(self) -> None:
        """Put the hooks around the class's step, once for each class that writes its own."""
        cls = type(self)
        self._zero_grad_profile_name = f"Optimizer.zero_grad#{cls.__name__}.zero_grad"
        if not getattr(cls.step, "hooked", None):
            cls.step = self.profile_hook_step(cls.step)  # type: ignore[method-assign]
            cls.step.hooked = True  # type: ignore[attr-defined]

    def _optimizer_step_code(self) -> None:
        """Called within each step; profilers put their own here."""

    def _cuda_graph_capture_health_check(self) -> None:
        """Called by steps that a device's graph may capture: nothing is captured here."""

    _accelerator_graph_capture_health_check = _cuda_graph_capture_health_check

    def register_step_pre_hook(self, hook: OptimizerPreHook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return other (args, kwargs)."""
        return _hooked(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: OptimizerPostHook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _hooked(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., None], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before state_dict."""
        return _hooked(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` after state_dict; what it returns takes the dict's place."""
        return _hooked(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before load_state_dict; what it returns takes the dict's place."""
        return _hooked(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after load_state_dict."""
        return _hooked(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # --- Checkpoints ---

    def state_dict(self) -> StateDict:
        """{"state": ..., "param_groups": ...} in which parameters are numbered in the order of the groups.

        The state's tensors are the optimizer's own, not copies.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {numbers[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        result: StateDict = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    @staticmethod
    def _process_value_according_to_param_policy(
        param: Tensor, value: Tensor, param_id: int, param_groups: list[dict[str, Any]], key: Any = None
    ) -> Tensor:
        """A loaded tensor in its parameter's dtype and place; a step stays float32 unless it is fused or captured."""
        if key == "step":
            group = next((g for g in param_groups if param_id in g["params"]), {})
            if group.get("capturable") or group.get("fused"):
                return value.to(dtype=torch.float32, device=param.device)
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a state_dict, parameter by parameter in the order of the groups.

        The groups must have as many parameters; ValueError where they have not. Tensors are copied only where their
        dtype differs from their parameter's.
        """
        state_dict = dict(state_dict)
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        groups, saved = self.param_groups, copy.deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(s["params"]) for g, s in zip(groups, saved, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        numbers = chain.from_iterable(s["params"] for s in saved)
        parameters = dict(zip(numbers, chain.from_iterable(g["params"] for g in groups), strict=True))

        def placed(number: Any, value: Any, key: Any = None) -> Any:
            if isinstance(value, Tensor):
                found = state_dict["param_groups"]
                policy = self._process_value_according_to_param_policy
                return policy(parameters[number], value, number, found, key)
            if isinstance(value, dict):
                return {k: placed(number, v, k) for k, v in value.items()}
            if isinstance(value, (list, tuple)):
                return type(value)(placed(number, v) for v in value)
            return value

        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in parameters:
                state[parameters[key]] = placed(key, value)
            else:
                state[key] = value
        for group, loaded in zip(groups, saved, strict=True):
            loaded["params"] = group["params"]
            if "param_names" in group:
                loaded.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # --- What programs call ---

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or with set_to_none=False fill them with zeros in place."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    _fill_with_zeros(p.grad)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters by their gradients. `closure` computes the loss and its gradients anew."""
        raise NotImplementedError(f"{type(self).__name__}: a subclass of Optimizer writes step(closure=None) itself")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group: a dict with "params" and the options that differ from the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        param_group["params"] = list(params)
        self._take_names(param_group)
        for p in param_group["params"]:
            self._check_parameter(p)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        self._check_new(param_group)
        self.param_groups.append(param_group)

    def _take_names(self, group: dict[str, Any]) -> None:
        """(name, parameter) pairs become a list of parameters and one of names."""
        named = [isinstance(p, tuple) for p in group["params"]]
        if any(named):
            if not all(named):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            group["param_names"] = [name for name, _ in group["params"]]
            group["params"] = [p for _, p in group["params"]]

    def _check_parameter(self, p: Any) -> None:
        if not isinstance(p, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {torch.typename(p)}")
        if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor")

    def _check_new(self, group: dict[str, Any]) -> None:
        """A group must not repeat parameters, and has names if and only if the others have."""
        ids = {id(p) for p in group["params"]}
        if len(ids) != len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        if any(id(p) in ids for other in self.param_groups for p in other["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        names = "param_names" in group
        if any(("param_names" in other) != names for other in self.param_groups):
            ours, theirs = ("with", "without") if names else ("without", "with")
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{ours} names to the optimizer, whose groups are {theirs} names"
            )

    @staticmethod
    def _group_tensors_by_device_and_dtype(
        tensorlistlist: list[list[Tensor | None]], with_indices: bool = False
    ) -> dict[tuple[Any, Any], tuple[list[list[Tensor | None]], list[int]]]:
        """Parallel lists of tensors, split by the device and dtype of the first list's tensors."""
        found: dict[tuple[Any, Any], tuple[list[list[Tensor | None]], list[int]]] = {}
        for at, row in enumerate(zip(*tensorlistlist, strict=True)):
            first: Any = row[0]
            lists, places = found.setdefault((first.device, first.dtype), ([[] for _ in row], []))
            for column, tensor in zip(lists, row, strict=True):
                column.append(tensor)
            if with_indices:
                places.append(at)
        return found


def _fill_with_zeros(grad: Tensor) -> None:
    """Zeros in a gradient, which leaves its graph if it has one."""
    if grad.grad_fn is not None:
        grad.detach_()
    else:
        grad.requires_grad_(False)
    grad.zero_()


def _replaced(step: Any, result: Any, before: tuple[Any, Any]) -> tuple[Any, Any]:
    """The arguments of a step after a hook returned `result`: None leaves them."""
    if result is None:
        return before
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise RuntimeError(
        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {result}: return one from the hook"
    )
