# einops: rearrange, reduce, repeat, pack and einsum of images, with gradients, and its layers in a Sequential.
"""Patches of images and back, attention-like products, and a small network of einops layers."""

import torch
from einops import einsum, pack, rearrange, reduce, repeat, unpack
from einops.layers.torch import Rearrange, Reduce
from torch import nn


def main() -> dict[str, object]:
    """Values and gradients of each of the package's functions."""
    torch.manual_seed(0)
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    patches = rearrange(images, "b c (h p) (w q) -> b (h w) (p q c)", p=4, q=4)
    means = reduce(images, "b c (h p) (w q) -> b h w c", "mean", p=2, q=2)
    largest = reduce(images, "b c h w -> b c", "max")
    tiled = repeat(means[..., 0], "b h w -> b (h r) (w s)", r=2, s=2)
    scores = einsum(patches, patches, "b i d, b j d -> b i j").softmax(-1)
    packed, shapes = (
        pack([patches, means], "b * c_any") if patches.shape[-1] == means.shape[-1] else pack([largest], "b *")
    )
    (unpacked,) = unpack(packed, shapes, "b *")
    loss = (scores @ patches).square().mean() + tiled.sum() * 0.01 + unpacked.sum()
    loss.backward()
    network = nn.Sequential(
        Rearrange("b c (h p) (w q) -> b (h w) (p q c)", p=4, q=4),
        nn.Linear(48, 12),
        nn.GELU(),
        Reduce("b n d -> b d", "mean"),
        nn.Linear(12, 5),
    )
    out = network(images.detach())
    out.square().sum().backward()
    return {"loss": loss, "images.grad": images.grad, "network": out, "weight.grad": network[1].weight.grad}
