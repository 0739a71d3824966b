# Spectral normalisation as a hook before forward; parametrizations.spectral_norm is its successor.
"""A weight divided by its largest singular value. Miyato et al.: Spectral normalization for GANs, 2018."""

from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.nn import functional as F
from tapeless.nn.parameter import Parameter, UninitializedParameter

__all__ = [
    "SpectralNorm",
    "SpectralNormLoadStateDictPreHook",
    "SpectralNormStateDictHook",
    "remove_spectral_norm",
    "spectral_norm",
]


class SpectralNorm:
    """The hook that computes the weight `name` from `name_orig` before each forward.

    `name_u` and `name_v` estimate the first singular vectors.
    """

    # In version 1 name_v is a buffer, and name is an attribute rather than a buffer.
    _version: int = 1

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        self.name = name
        self.dim = dim
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def reshape_weight_to_matrix(self, weight: Tensor) -> Tensor:
        """The weight with `dim` as rows and all else as columns."""
        if self.dim != 0:
            weight = weight.permute(self.dim, *[d for d in range(weight.dim()) if d != self.dim])
        return weight.reshape(weight.size(0), -1)

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Tensor:
        """The weight over its norm, after steps of the power iteration if asked for."""
        weight, u, v = (getattr(module, self.name + suffix) for suffix in ("_orig", "_u", "_v"))
        matrix = self.reshape_weight_to_matrix(weight)
        if do_power_iteration:
            with tapeless.no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(tapeless.mv(matrix.t(), u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(tapeless.mv(matrix, v), dim=0, eps=self.eps))
                # Copies: the next step writes the vectors that this one's backward needs.
                u = u.clone(memory_format=tapeless.contiguous_format)
                v = v.clone(memory_format=tapeless.contiguous_format)
        return weight / tapeless.dot(u, tapeless.mv(matrix, v))

    def remove(self, module: Any) -> None:
        """Make the weight a parameter again."""
        with tapeless.no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for suffix in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + suffix)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        """Run as a hook."""
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    def _solve_v_and_rescale(self, weight_mat: Tensor, u: Tensor, target_sigma: Tensor) -> Tensor:
        """The v of which a step gives u, scaled so that uᵀ W v is the norm."""
        v = tapeless.linalg.multi_dot([weight_mat.t().mm(weight_mat).pinverse(), weight_mat.t(), u.unsqueeze(1)])
        v = v.squeeze(1)
        return v.mul_(target_sigma / tapeless.dot(u, tapeless.mv(weight_mat, v)))

    @staticmethod
    def apply(module: Any, name: str, n_power_iterations: int, dim: int, eps: float) -> "SpectralNorm":
        """Put the weight aside and install the hook."""
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm) and hook.name == name:
                raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
        norm = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying spectral normalization"
            )
        with tapeless.no_grad():
            h, w = norm.reshape_weight_to_matrix(weight).size()
            u = F.normalize(weight.new_empty(h).normal_(0, 1), dim=0, eps=norm.eps)
            v = F.normalize(weight.new_empty(w).normal_(0, 1), dim=0, eps=norm.eps)
        delattr(module, name)
        module.register_parameter(name + "_orig", weight)
        # An attribute until the first forward: as a parameter it would be one of the module's.
        setattr(module, name, weight.data)
        module.register_buffer(name + "_u", u)
        module.register_buffer(name + "_v", v)
        module.register_forward_pre_hook(norm)
        module._register_state_dict_hook(SpectralNormStateDictHook(norm))
        module._register_load_state_dict_pre_hook(SpectralNormLoadStateDictPreHook(norm))
        return norm


class SpectralNormLoadStateDictPreHook:
    """Reads states that were written before there was `name_v`."""

    def __init__(self, fn: SpectralNorm) -> None:
        self.fn = fn

    def __call__(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: Any,
        unexpected_keys: Any,
        error_msgs: Any,
    ) -> None:
        """Run as a hook."""
        version = local_metadata.get("spectral_norm", {}).get(self.fn.name + ".version", None)
        if version is not None and version >= 1:
            return
        key = prefix + self.fn.name
        present = all(key + suffix in state_dict for suffix in ("_orig", "_u", "_v"))
        if version is None and present and key not in state_dict:
            return
        missing = [key + suffix for suffix in ("_orig", "", "_u") if key + suffix not in state_dict]
        if missing:
            missing_keys.extend(missing if strict else [])
            return
        with tapeless.no_grad():
            original = state_dict[key + "_orig"]
            sigma = (original / state_dict.pop(key)).mean()
            matrix = self.fn.reshape_weight_to_matrix(original)
            state_dict[key + "_v"] = self.fn._solve_v_and_rescale(matrix, state_dict[key + "_u"], sigma)


class SpectralNormStateDictHook:
    """Writes the version."""

    def __init__(self, fn: SpectralNorm) -> None:
        self.fn = fn

    def __call__(self, module: Any, state_dict: Any, prefix: str, local_metadata: Any) -> None:
        """Run as a hook."""
        versions = local_metadata.setdefault("spectral_norm", {})
        key = self.fn.name + ".version"
        if key in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {key}")
        versions[key] = self.fn._version


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Have a module divide a weight by its spectral norm before each forward."""
    if dim is None:
        transposed = (tapeless.nn.ConvTranspose1d, tapeless.nn.ConvTranspose2d, tapeless.nn.ConvTranspose3d)
        dim = 1 if isinstance(module, transposed) else 0
    SpectralNorm.apply(module, name, n_power_iterations, dim, eps)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Undo spectral_norm, keeping the weight's value."""
    for hooks, found in (
        (module._forward_pre_hooks, lambda hook: isinstance(hook, SpectralNorm) and hook.name == name),
        (module._state_dict_hooks, lambda hook: _belongs(hook, SpectralNormStateDictHook, name)),
        (
            module._load_state_dict_pre_hooks,
            lambda hook: _belongs(getattr(hook, "hook", hook), SpectralNormLoadStateDictPreHook, name),
        ),
    ):
        key = next((key for key, hook in hooks.items() if found(hook)), None)
        if key is not None:
            hook = hooks.pop(key)
            if isinstance(hook, SpectralNorm):
                hook.remove(module)
        elif hooks is module._forward_pre_hooks:
            raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    return module


def _belongs(hook: Any, kind: type, name: str) -> bool:
    return isinstance(hook, kind) and hook.fn.name == name
