# torch._dynamo.eval_frame: what torch.compile makes of a module.
"""`OptimizedModule`, around a module that was given to `torch.compile`."""

from typing import Any

from tapeless import nn


class OptimizedModule(nn.Module):
    """A module that runs another, `_orig_mod`, whose attributes it shows as its own."""

    def __init__(self, mod: nn.Module) -> None:
        super().__init__()
        self._orig_mod = mod
        self.training = mod.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Whatever the module gives."""
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return self._modules["_orig_mod"]
        return getattr(self._orig_mod, name)
