# torch.backends: what PyTorch's libraries are asked and told, answered for this one.
"""Switches of libraries that are not here: they keep what a program writes into them, and change nothing."""

from tapeless.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum, quantized

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum", "quantized"]
