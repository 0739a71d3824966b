# torch.ao: quantization is out of scope; what packages import from it by name is here.
"""Stubs of models that might be quantized elsewhere."""

from tapeless.ao import quantization

__all__ = ["quantization"]
