# Normalisations that are made of other operations.
"""Normalisations over one example's channels, and by the root of the mean square."""

from typing import Any

from tapeless import _core
from tapeless._core import Tensor

__all__ = ["instance_norm", "rms_norm"]
METHODS = ()

_f = _core.functions


def rms_norm(input: Tensor, normalized_shape: Any, weight: Any = None, eps: Any = None) -> Tensor:
    """input / sqrt(mean(input ** 2) + eps) over the last dimensions, times weight (Zhang, Sennrich 2019).

    eps is the distance from 1 to the next number of the dtype if it is not given; half types are computed in
    float32. Derivative: with r the root and means over these dimensions, (w g - out / w * mean(g out)) / r.
    """
    shape = [int(size) for size in normalized_shape]
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    if weight is not None and list(weight.shape) != shape:
        raise RuntimeError(
            f"Expected weight to be of same shape as normalized_shape, but got weight of shape {list(weight.shape)} "
            f"and normalized_shape = {shape}"
        )
    if list(input.shape[-len(shape) :]) != shape:
        wanted = ", ".join(["*", *map(str, shape)])
        raise RuntimeError(
            f"Given normalized_shape={shape}, expected input with shape [{wanted}], but got input of size"
            f"{list(input.shape)}"
        )
    if not (input.is_floating_point() or input.is_complex()):
        raise NotImplementedError(
            f"\"rms_norm\" not implemented for '{input.type().rpartition('.')[2].removesuffix('Tensor')}': the input "
            "needs a floating or complex dtype; convert first, for example with input.float()"
        )
    dtype = input.dtype
    half = dtype in (_core.float16, _core.bfloat16)
    wide = input.to(_core.float32) if half else input
    if eps is None:
        eps = 2.220446049250313e-16 if wide.dtype in (_core.float64, _core.complex128) else 1.1920928955078125e-07
    dims = tuple(range(-len(shape), 0))
    out = wide * wide.pow(2).mean(dims, keepdim=True).add(eps).rsqrt()
    if weight is not None:
        out = out * weight
    return out.to(dtype) if half else out


def instance_norm(
    input: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """Each channel of each example, [N, C, ...], brought to mean 0 and variance 1 (Ulyanov et al. 2016).

    By the example's own statistics, which move the running ones by momentum times their mean over the batch, or by
    the running ones if not use_input_stats. Derivative: that of batch_norm, every example's channels being channels.
    """
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    from tapeless.autograd import no_grad

    shape = tuple(input.shape)
    n, c = shape[0], shape[1]

    def repeated(x: Any) -> Any:
        return None if x is None else x.expand(n, c).reshape(-1)

    def of_all(x: Any) -> Any:
        """The statistics once for each example, in float64 where the input is."""
        if x is None:
            return None
        each = _f["cat"]([x] * n)
        return each.to(input.dtype) if input.dtype is _core.float64 else each

    mean, var = of_all(running_mean), of_all(running_var)
    seen = input.contiguous().view(1, n * c, *shape[2:])
    out = _f["batch_norm"](
        seen, repeated(weight), repeated(bias), mean, var, use_input_stats, momentum, eps, cudnn_enabled
    )
    for running, own in ((running_mean, mean), (running_var, var)):
        if running is not None and use_input_stats:
            with no_grad():
                running.copy_(own.view(n, c).mean(0))
    return out.view(shape)
