# Moving and converting modules: everything that goes over all parameters and buffers at once.
"""`_apply`, `to` and their kin, training mode, and gradients of all parameters."""

import warnings
from typing import Any

import tapeless
import tapeless.__future__
from tapeless.nn.parameter import Parameter


def _can_become(param: Any, converted: Any) -> bool:
    """Whether a parameter can take a converted tensor's memory and stay the same object."""
    if tapeless.__future__.get_overwrite_module_params_on_conversion():
        return False
    return param.device.type == converted.device.type and type(converted) in (tapeless.Tensor, type(param))


class Conversion:
    """What of Module changes all that it owns."""

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """Put `fn(tensor)` in place of every parameter, gradient and buffer; parameters stay the same objects."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, param in self._parameters.items():
            if param is None:
                continue
            with tapeless.no_grad():
                converted, grad = fn(param), param.grad
                if _can_become(param, converted):
                    param.data = converted
                else:
                    param = self._parameters[name] = Parameter(converted, param.requires_grad)
                if grad is not None:
                    param.grad = fn(grad).requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def apply(self, fn: Any) -> Any:
        """Call `fn` on every module below and then on this one; returns this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Convert in place: to(device, dtype), to(dtype), to(tensor), to(memory_format=...).

        A dtype counts for floating-point and complex tensors only, a memory format for those of 4 and 5 dimensions.
        """
        device, dtype, non_blocking, form = tapeless._nn._parse_to(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(
                    "Complex modules are a new feature under active development whose design may change, and some "
                    "modules might not work as expected when using complex tensors as parameters or buffers.",
                    stacklevel=2,
                )

        def convert(tensor: Any) -> Any:
            inexact = tensor.is_floating_point() or tensor.is_complex()
            options = {"memory_format": form} if form is not None and tensor.dim() in (4, 5) else {}
            try:
                return tensor.to(device, dtype if inexact else None, non_blocking, **options)
            except NotImplementedError as error:
                if str(error) != "Cannot copy out of meta tensor; no data!":
                    raise
                raise NotImplementedError(
                    f"{error} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving "
                    "module from meta to a different device."
                ) from None

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Move to a device without values: everything becomes uninitialised memory there."""
        return self._apply(lambda t: tapeless.empty_like(t, device=device), recurse=recurse)

    def type(self, dst_type: Any) -> Any:
        """Convert every parameter and buffer, whole numbers included."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Any:
        """Convert what is floating-point to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Any:
        """Convert what is floating-point to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Any:
        """Convert what is floating-point to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self) -> Any:
        """Convert what is floating-point to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self) -> Any:
        """Move to the CPU."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Any:
        """Move to a CUDA device."""
        return self._apply(lambda t: t.cuda(device))

    def ipu(self, device: Any = None) -> Any:
        """Move to an IPU, where there is one."""
        return self._apply(lambda t: t.ipu(device))

    def xpu(self, device: Any = None) -> Any:
        """Move to an XPU, where there is one."""
        return self._apply(lambda t: t.xpu(device))

    def mtia(self, device: Any = None) -> Any:
        """Move to an MTIA device, where there is one."""
        return self._apply(lambda t: t.mtia(device))

    def train(self, mode: bool = True) -> Any:
        """Set `training` here and below, which dropout, batch normalisation and their kin look at."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """Leave training mode, here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Set whether the parameters collect gradients."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or set them to zero and cut them off their history."""
        if getattr(self, "_is_replica", False):
            warnings.warn(
                "Calling .zero_grad() from a module created with nn.DataParallel() has no effect. The parameters are "
                "copied (in a differentiable manner) from the original module. This means they are not leaf nodes in "
                "autograd and so don't accumulate gradients. If you need gradients in your forward method, consider "
                "using autograd.grad instead.",
                stacklevel=2,
            )
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
                continue
            if parameter.grad.grad_fn is not None:
                parameter.grad.detach_()
            else:
                parameter.grad.requires_grad_(False)
            parameter.grad.zero_()

    def share_memory(self) -> Any:
        """Move parameters and buffers into memory that other processes can map."""
        return self._apply(lambda t: t.share_memory_())
