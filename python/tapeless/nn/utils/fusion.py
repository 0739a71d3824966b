# Batch normalisation in evaluation is a linear map: it can be folded into the layer before it.
"""Folding batch normalisation into convolutions and linear layers."""

import copy
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.nn.parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _need_eval(layer: Any, bn: Any) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of the convolution that computes what it and the normalisation after it compute in evaluation."""
    _need_eval(conv, bn)
    fused = copy.deepcopy(conv)
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("Expected bn.running_mean and bn.running_var to be tensors")
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the fused convolution; the output channels of a transposed one are dimension 1."""
    channels = 1 if transpose else 0
    shape = [1] * conv_w.dim()
    shape[channels] = -1
    bias = tapeless.zeros_like(bn_rm) if conv_b is None else conv_b
    gain = tapeless.ones_like(bn_rm) if bn_w is None else bn_w
    shift = tapeless.zeros_like(bn_rm) if bn_b is None else bn_b
    inverse = tapeless.rsqrt(bn_rv + bn_eps)
    weight = (conv_w * (gain * inverse).reshape(shape)).to(dtype=conv_w.dtype)
    fused_bias = ((bias - bn_rm) * inverse * gain + shift).to(dtype=bias.dtype)
    return Parameter(weight, conv_w.requires_grad), Parameter(fused_bias, bias.requires_grad)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of the linear layer that computes what it and the normalisation after it compute in evaluation."""
    _need_eval(linear, bn)
    fused = copy.deepcopy(linear)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("Expected bn.running_mean and bn.running_var to be tensors")
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the fused linear layer."""
    bias = tapeless.zeros_like(bn_rm) if linear_b is None else linear_b
    scale = bn_w * tapeless.rsqrt(bn_rv + bn_eps)
    weight = (linear_w * scale.unsqueeze(-1)).to(dtype=linear_w.dtype)
    fused_bias = ((bias - bn_rm) * scale + bn_b).to(dtype=bias.dtype)
    return Parameter(weight, linear_w.requires_grad), Parameter(fused_bias, bias.requires_grad)
