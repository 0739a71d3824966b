# torchvision: ResNet and MobileNet, forward and a step of training; transforms of images, old and new.
"""What of torchvision is written in Python; its compiled operators are not used."""

import torch
from torch import nn
from torchvision import models, tv_tensors, utils
from torchvision.transforms import functional, v2


def train(model: nn.Module, images: torch.Tensor) -> dict[str, object]:
    """Two steps of training in float64: losses, logits, and the sizes of the gradients."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), torch.tensor([1, 3]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    gradients = torch.stack([parameter.grad.norm() for parameter in model.parameters()])
    return {"losses": losses, "logits": model.eval()(images), "gradients": gradients}


def main() -> dict[str, object]:
    """Two models, and what transforms make of an image and its boxes."""
    torch.manual_seed(0)
    images = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    found = {}
    for make in (models.resnet18, models.mobilenet_v3_small):
        torch.set_default_dtype(torch.float64)  # Training magnifies differences in the last digit of what is drawn.
        model = make(num_classes=5)
        torch.set_default_dtype(torch.float32)
        values = train(model, images)
        found.update({f"{make.__name__} {name}": value for name, value in values.items()})
    image = torch.rand(3, 24, 20)
    augment = v2.Compose(
        [
            v2.RandomCrop(16, padding=2),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.3, 0.3, 0.3, 0.1),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5] * 3, [0.25] * 3),
        ]
    )
    boxes = tv_tensors.BoundingBoxes([[2, 3, 10, 12]], format="XYXY", canvas_size=(24, 20))
    turned, moved = v2.Compose([v2.RandomRotation(30), v2.Resize((12, 10))])(tv_tensors.Image(image), boxes)
    return {
        **found,
        "augmented": augment((image * 255).byte()),
        "turned": turned.as_subclass(torch.Tensor),
        "boxes": moved.as_subclass(torch.Tensor),
        "cropped": v2.RandomResizedCrop(16, antialias=True)(image),
        "blurred": functional.gaussian_blur(image.float(), [3, 3]),
        "affine": functional.affine(image.double(), 20, [1, 2], 1.2, [5.0, 3.0]),
        "grid": utils.make_grid(images, nrow=2).sum(),
    }
