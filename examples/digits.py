"""The demo: a small network learns handwritten digits, and shows its losses and its graph.

Train on scikit-learn's 1,797 digits; writes loss.png, graph.svg and graph.html into out/.

    python examples/digits.py [--out out] [--epochs 25]

Everything is tensors and operations: no module, no optimizer. Without the pictures, the same
program runs on PyTorch once its first two imports name torch.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

import tapeless as torch
import tapeless.nn.functional as F

SEED, TEST_IMAGES, BATCH = 7, 360, 64
HIDDEN, RATE, MOMENTUM = 96, 0.1, 0.9
NEEDED_ACCURACY = 0.95


def load_images():
    """Train and test images and labels as tensors, split the same way every time."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.tensor(digits.data.tolist()) / 16.0
    labels = torch.tensor(digits.target.tolist())
    order = torch.randperm(len(labels))
    test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]

    def pick(data, index):
        return torch.index_select(data, 0, index)

    return (pick(images, train), pick(labels, train)), (pick(images, test), pick(labels, test))


def make_parameters():
    """Weights of two hidden layers and the output, by name."""
    sizes = [64, HIDDEN, HIDDEN, 10]
    parameters = {}
    for layer, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        weight = torch.randn(fan_out, fan_in) * (2.0 / fan_in) ** 0.5
        parameters[f"weight{layer}"] = weight.requires_grad_()
        parameters[f"bias{layer}"] = torch.zeros(fan_out, requires_grad=True)
    return parameters


def network(images, p):
    """Scores of the ten digits for each image."""
    hidden = F.relu(F.linear(images, p["weight1"], p["bias1"]))
    hidden = F.gelu(F.linear(hidden, p["weight2"], p["bias2"]))
    return F.linear(hidden, p["weight3"], p["bias3"])


def sgd_step(parameters, velocities, rate):
    """One step with momentum, in place; the gradients are dropped afterwards."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            velocity = velocities[name]
            velocity.mul_(MOMENTUM).add_(parameter.grad)
            parameter.sub_(rate * velocity)
            parameter.grad = None


def accuracy(images, labels, parameters):
    """The share of images whose highest score is the right digit."""
    with torch.no_grad():
        return (network(images, parameters).argmax(1) == labels).float().mean().item()


def train(parameters, images, labels, epochs):
    """All losses, one per step."""
    from tqdm import tqdm

    velocities = {name: torch.zeros(value.shape) for name, value in parameters.items()}
    losses = []
    bar = tqdm(range(epochs), desc="training", unit="epoch")
    for epoch in bar:
        rate = RATE * (1.0 - epoch / epochs)
        order = torch.randperm(len(labels))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            logits = network(torch.index_select(images, 0, batch), parameters)
            loss = F.cross_entropy(logits, torch.index_select(labels, 0, batch))
            loss.backward()
            sgd_step(parameters, velocities, rate)
            losses.append(loss.item())
        bar.set_postfix(loss=f"{sum(losses[-20:]) / 20:.4f}")
    return losses


def plot(losses, path):
    """The loss of every step, and its moving mean, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    width = 20
    smooth = [sum(losses[at - width : at]) / width for at in range(width, len(losses) + 1)]
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.semilogy(losses, color="#9db8ef", linewidth=0.8, label="each step")
    axes.semilogy(range(width - 1, len(losses)), smooth, color="#263550", label=f"mean of {width}")
    axes.set(xlabel="step", ylabel="cross entropy", title="Handwritten digits: training loss")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def draw_step(parameters, images, labels, out):
    """The graph of the loss of one batch, as a picture and as a page."""
    from tapeless import viz

    loss = F.cross_entropy(network(images[:BATCH], parameters), labels[:BATCH])
    picture = viz.graph({"loss": loss}, params=parameters)
    picture.save(out / "graph.svg")
    picture.save(out / "graph.html")


def main() -> int:
    """Run the demo; 0 if the network is good enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"))
    parser.add_argument("--epochs", type=int, default=25)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    (images, labels), (test_images, test_labels) = load_images()
    parameters = make_parameters()
    losses = train(parameters, images, labels, options.epochs)
    plot(losses, options.out / "loss.png")
    draw_step(parameters, images, labels, options.out)
    reached = accuracy(test_images, test_labels, parameters)
    print(f"test accuracy: {100 * reached:.2f} % of {len(test_labels)} images")
    names = ("loss.png", "graph.svg", "graph.html")
    print("wrote " + ", ".join(str(options.out / name) for name in names))
    if reached < NEEDED_ACCURACY:
        print(f"below the {100 * NEEDED_ACCURACY:.0f} % that this demo promises", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
