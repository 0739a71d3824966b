# captum: attributions of a network's output to its inputs, layers and neurons, by eleven methods.
"""Integrated gradients, saliency, DeepLIFT, Grad-CAM and others on a small convolutional network."""

import torch
from captum import attr
from torch import nn


class Network(nn.Module):
    """A convolution, a hidden layer and three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.Linear(4 * 16, 8)
        self.relu2 = nn.ReLU()
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        x = self.pool(self.relu(self.conv(x)))
        return self.out(self.relu2(self.hidden(x.flatten(1))))


def main() -> dict[str, object]:
    """What each method gives for two images."""
    torch.manual_seed(0)
    network = Network().double().eval()
    images = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    baseline = torch.zeros_like(images)
    target = torch.tensor([0, 2])
    quarters = torch.arange(4).reshape(1, 2, 2).repeat_interleave(4, 1).repeat_interleave(4, 2)
    integrated, delta = attr.IntegratedGradients(network).attribute(
        images, baseline, target=target, n_steps=20, return_convergence_delta=True
    )
    return {
        "integrated gradients": integrated,
        "delta": delta,
        "saliency": attr.Saliency(network).attribute(images, target=target),
        "input x gradient": attr.InputXGradient(network).attribute(images, target=target),
        "deep lift": attr.DeepLift(network).attribute(images, baseline, target=target),
        "guided backprop": attr.GuidedBackprop(network).attribute(images, target=target),
        "grad cam": attr.LayerGradCam(network, network.conv).attribute(images, target=target),
        "conductance": attr.LayerConductance(network, network.hidden).attribute(images, baseline, target, n_steps=10),
        "occlusion": attr.Occlusion(network).attribute(images, (1, 4, 4), (1, 2, 2), target=target),
        "shapley": attr.ShapleyValueSampling(network).attribute(
            images, baseline, target, feature_mask=quarters, n_samples=3
        ),
        "neuron": attr.NeuronGradient(network, network.hidden).attribute(images, 3),
        "noise tunnel": attr.NoiseTunnel(attr.Saliency(network)).attribute(images, nt_samples=3, target=target),
    }
