# torchinfo: the table of a network's layers, shapes and parameters.
"""Summaries of a convolutional network and of a recurrent one."""

import torch
import torchinfo
from torch import nn


def main() -> dict[str, object]:
    """The text and the totals of both summaries."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 14 * 14, 10),
    )
    columns = ("input_size", "output_size", "num_params", "kernel_size", "mult_adds")
    picture = torchinfo.summary(network, input_size=(16, 1, 28, 28), col_names=columns, verbose=0, device="cpu")
    recurrent = torchinfo.summary(nn.LSTM(5, 7, num_layers=2), input_data=torch.zeros(3, 2, 5), verbose=0, device="cpu")
    texts = {"text": str(picture), "text of the recurrent": str(recurrent)}
    return {**texts, "parameters": picture.total_params, "operations": picture.total_mult_adds}
