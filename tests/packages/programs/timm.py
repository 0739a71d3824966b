# timm: a small vision transformer, a ConvNeXt and a MobileNet; training, features, and a schedule.
"""Models made by name without pretrained weights, with timm's own optimizers and learning rates."""

import timm
import torch
from timm.loss import SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from torch import nn


def make(name: str, **options: object) -> nn.Module:
    """A model whose initial parameters are drawn in float64: training magnifies differences in their last digit."""
    torch.set_default_dtype(torch.float64)
    try:
        return timm.create_model(name, **options)
    finally:
        torch.set_default_dtype(torch.float32)


def main() -> dict[str, object]:
    """Losses, logits and gradients of each model, its features, and the rates."""
    torch.manual_seed(0)
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    target = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.0, 0.8]], dtype=torch.float64)
    kinds = {
        "vit_tiny_patch16_224": {"img_size": 64, "patch_size": 8, "depth": 2},
        "convnext_atto": {"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32)},
        "mobilenetv3_small_050": {},
    }
    found = {}
    for name, options in kinds.items():
        model = make(name, num_classes=3, **options)
        optimizer = create_optimizer_v2(model, opt="sgd", lr=1e-3, weight_decay=0.05)
        schedule = CosineLRScheduler(optimizer, t_initial=4, warmup_t=2, warmup_lr_init=1e-4)
        losses, rates = [], []
        for epoch in range(3):
            loss = SoftTargetCrossEntropy()(model(images), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step(epoch)
            losses.append(loss.item())
            rates.append(optimizer.param_groups[0]["lr"])
        found[name] = losses
        found[f"{name} rates"] = rates
        found[f"{name} logits"] = model.eval()(images)
        found[f"{name} features"] = model.forward_features(images).mean((0, 1))
        found[f"{name} gradients"] = torch.stack([parameter.grad.norm() for parameter in model.parameters()])
    pyramid = make("resnet10t", features_only=True, out_indices=(1, 3)).eval()
    found["pyramid"] = [level.mean((0, 2, 3)) for level in pyramid(images)]
    return found
