# A convolutional network learns to read the 1,797 handwritten digits of scikit-learn.
"""Train a small convolutional network on real digits; prints the accuracy on 360 that it has not seen.

    python -m tapeless examples/digits_cnn.py [--steps 350] [--seed 0] [--out out]

With --out it draws the losses and, under Tapeless, the graph of a step.
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
from progress import Losses, arguments
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

TEST_IMAGES, BATCH, NEEDED_ACCURACY = 360, 64, 0.97


class Network(nn.Module):
    """Two convolutions with pooling between them, then two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classify = nn.Sequential(nn.Flatten(), nn.Linear(32 * 2 * 2, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, images):
        return self.classify(self.features(images))


def load():
    """Training and test sets of 8x8 images, values from 0 to 1."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels))
    test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
    return TensorDataset(images[train], labels[train]), TensorDataset(images[test], labels[test])


def batches(data, steps):
    """As many shuffled batches as there are steps."""
    loader = DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True)
    while True:
        for batch in loader:
            if steps == 0:
                return
            steps -= 1
            yield batch


def accuracy(model, data):
    """The share of images that are read rightly."""
    model.eval()
    images, labels = data.tensors
    with torch.no_grad():
        right = model(images).argmax(1) == labels
    model.train()
    return right.float().mean().item()


def draw(losses, loss, model, out):
    """The losses as a picture, and the graph of the last step where the library can draw it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    out.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.semilogy(losses, color="#263550", linewidth=0.8)
    axes.set(xlabel="step", ylabel="cross entropy", title="Handwritten digits: training loss")
    axes.grid(alpha=0.25)
    figure.savefig(out / "loss.png", dpi=150)
    written = ["loss.png"]
    if hasattr(torch, "viz"):
        picture = torch.viz.graph({"loss": loss}, params=dict(model.named_parameters()))
        for name in ("graph.svg", "graph.html"):
            picture.save(out / name)
            written.append(name)
    print("wrote " + ", ".join(str(pathlib.Path(out) / name) for name in written))


def main() -> int:
    """Train and test; 1 if a whole training did not reach what it should."""
    options = arguments(__doc__, steps=350)
    torch.manual_seed(options.seed)
    train, test = load()
    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=options.steps)
    losses = Losses(options)
    for images, labels in batches(train, options.steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.add(loss)
    losses.save()
    reached = accuracy(model, test)
    print(f"test accuracy: {100 * reached:.2f} % of {TEST_IMAGES} images")
    if options.out:
        draw(losses, F.cross_entropy(model(images), labels), model, options.out)
    if options.steps >= 350 and reached < NEEDED_ACCURACY:
        print(f"below the {100 * NEEDED_ACCURACY:.0f} % that this program promises", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
