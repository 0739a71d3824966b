# vit-pytorch: a vision transformer, a simple one and CaiT; forward, backward, steps of training.
"""Small models on small images."""

import torch
from torch import nn
from vit_pytorch import SimpleViT, ViT
from vit_pytorch.cait import CaiT


def main() -> dict[str, object]:
    """Logits, gradients and losses of training."""
    torch.manual_seed(0)
    size = {"image_size": 16, "patch_size": 4, "dim": 24, "depth": 2, "heads": 2, "mlp_dim": 32}
    images = torch.randn(4, 3, 16, 16)
    labels = torch.tensor([0, 1, 2, 1])
    models = {
        "vit": ViT(num_classes=3, dim_head=12, **size),
        "simple": SimpleViT(num_classes=3, dim_head=12, **size),
        "cait": CaiT(num_classes=3, cls_depth=1, **size),
    }
    found = {}
    for name, model in models.items():
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        losses = []
        for _ in range(4):
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        found[name] = losses
        found[f"{name} logits"] = model(images)
        found[f"{name} gradient"] = torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None])
    return found
