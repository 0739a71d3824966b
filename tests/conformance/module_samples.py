"""Samples of modules that PyTorch's own database lacks, what is not compared, and the excuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Excuse:
    """A disagreement that stands: of which modules, what it looks like, and why ours is right."""

    names: tuple[str, ...]
    pattern: str
    reason: str


def normal(*shape: int, grad: bool = True) -> Callable[[], torch.Tensor]:
    """A maker of normal numbers, so that a sample's inputs are drawn in its own order."""
    return lambda: torch.randn(shape).requires_grad_(grad)


def between(low: int, high: int, *shape: int) -> Callable[[], torch.Tensor]:
    """A maker of integers."""
    return lambda: torch.randint(low, high, shape)


def positive(*shape: int) -> Callable[[], torch.Tensor]:
    """A maker of numbers in (0.1, 1.1)."""
    return lambda: (torch.rand(shape) + 0.1).requires_grad_()


def places(*shape: int) -> Callable[[], torch.Tensor]:
    """The places of the maxima of pools of two in each dimension: the first of each window."""

    def make() -> torch.Tensor:
        sizes = [2 * n for n in shape[2:]]
        out = torch.arange(0, sizes[0], 2)
        for size in sizes[1:]:
            out = out.unsqueeze(-1) * size + torch.arange(0, size, 2)
        return out.expand(shape).contiguous()

    return make


One = tuple[tuple[Any, ...], dict[str, Any], tuple[Any, ...]]


def _plain(*inputs: Any, args: tuple[Any, ...] = (), **kwargs: Any) -> One:
    return args, kwargs, inputs


IMAGES = normal(2, 4, 6, 6)
VOLUMES = normal(2, 4, 4, 6, 6)
ROWS = normal(2, 4, 7)
TRIPLET = (normal(5, 3), normal(5, 3), normal(5, 3))
SEQUENCE, MEMORY = normal(5, 2, 8), normal(6, 2, 8)

SAMPLES: dict[str, list[One]] = {
    "Identity": [_plain(ROWS)],
    "LazyLinear": [_plain(ROWS, args=(3,)), _plain(ROWS, args=(3,), bias=False)],
    "Dropout": [_plain(ROWS), _plain(ROWS, p=0.2), _plain(ROWS, p=1.0), _plain(ROWS, p=0.0)],
    "Dropout1d": [_plain(ROWS), _plain(normal(4, 7), p=0.2)],
    "Dropout2d": [_plain(IMAGES), _plain(IMAGES, p=0.2)],
    "Dropout3d": [_plain(VOLUMES), _plain(normal(4, 3, 3, 3), p=0.2)],
    "AlphaDropout": [_plain(ROWS), _plain(ROWS, p=0.2)],
    "FeatureAlphaDropout": [_plain(IMAGES), _plain(IMAGES, p=0.2)],
    "Hardsigmoid": [_plain(ROWS)],
    "RReLU": [_plain(ROWS), _plain(ROWS, lower=0.1, upper=0.2)],
    "Flatten": [_plain(IMAGES), _plain(IMAGES, start_dim=0, end_dim=2)],
    "Unflatten": [_plain(ROWS, args=(1, (2, 2))), _plain(ROWS, args=(1, (2, -1)))],
    "Fold": [_plain(normal(2, 8, 9), args=(4, 2)), _plain(normal(2, 8, 4), args=((4, 4), (2, 2)), stride=2)],
    "Unfold": [_plain(IMAGES, args=(2,)), _plain(IMAGES, args=((2, 3),), dilation=1, padding=1, stride=2)],
    "PixelShuffle": [_plain(IMAGES, args=(2,))],
    "PixelUnshuffle": [_plain(IMAGES, args=(2,))],
    "ChannelShuffle": [_plain(IMAGES, args=(2,))],
    "Upsample": [
        _plain(IMAGES, scale_factor=2),
        _plain(IMAGES, size=(3, 9), mode="bilinear"),
        _plain(IMAGES, scale_factor=(1.5, 2.5), mode="bicubic", align_corners=True),
        _plain(ROWS, size=5, mode="linear"),
        _plain(VOLUMES, scale_factor=2, mode="trilinear", recompute_scale_factor=True),
    ],
    "UpsamplingNearest2d": [_plain(IMAGES, scale_factor=2), _plain(IMAGES, size=4)],
    "UpsamplingBilinear2d": [_plain(IMAGES, scale_factor=2), _plain(IMAGES, size=4)],
    "PairwiseDistance": [_plain(*TRIPLET[:2]), _plain(*TRIPLET[:2], p=1.0, keepdim=True)],
    "CosineSimilarity": [_plain(*TRIPLET[:2]), _plain(*TRIPLET[:2], dim=0)],
    "TripletMarginLoss": [_plain(*TRIPLET), _plain(*TRIPLET, margin=0.5, p=1, swap=True, reduction="sum")],
    "TripletMarginWithDistanceLoss": [
        _plain(*TRIPLET),
        _plain(*TRIPLET, distance_function=torch.nn.functional.cosine_similarity, swap=True, reduction="none"),
    ],
    "NLLLoss2d": [_plain(normal(2, 3, 4, 4), between(0, 3, 2, 4, 4))],
    "CrossMapLRN2d": [_plain(IMAGES, args=(3,)), _plain(IMAGES, args=(2, 0.1, 0.5, 2))],
    "SyncBatchNorm": [_plain(IMAGES, args=(4,)), _plain(normal(5, 4), args=(4,), affine=False)],
    "LazyBatchNorm1d": [_plain(ROWS), _plain(normal(5, 4), affine=False)],
    "LazyBatchNorm2d": [_plain(IMAGES), _plain(IMAGES, momentum=None)],
    "LazyBatchNorm3d": [_plain(VOLUMES), _plain(VOLUMES, track_running_stats=False)],
    "LazyInstanceNorm1d": [_plain(ROWS), _plain(ROWS, affine=False)],
    "LazyInstanceNorm2d": [_plain(IMAGES), _plain(IMAGES, track_running_stats=False)],
    "LazyInstanceNorm3d": [_plain(VOLUMES)],
    "BatchNorm2d": [_plain(IMAGES, args=(4,), momentum=None), _plain(IMAGES, args=(4,), bias=False)],
    "MaxUnpool1d": [_plain(normal(2, 3, 4), places(2, 3, 4), args=(2,))],
    "MaxUnpool2d": [_plain(normal(2, 3, 4, 5), places(2, 3, 4, 5), args=(2,))],
    "MaxUnpool3d": [_plain(normal(2, 3, 2, 4, 5), places(2, 3, 2, 4, 5), args=(2, 2))],
    "AdaptiveAvgPool2d": [_plain(IMAGES, args=((3, None),))],
    "AdaptiveLogSoftmaxWithLoss": [
        _plain(normal(6, 16), between(0, 20, 6), args=(16, 20, [5, 10])),
        _plain(normal(6, 16), between(0, 20, 6), args=(16, 20, [5]), div_value=2.0, head_bias=True),
        _plain(normal(16), between(0, 20), args=(16, 20, [5, 10, 15])),
    ],
    "EmbeddingBag": [
        _plain(between(0, 9, 3, 4), args=(9, 5)),
        _plain(between(0, 9, 3, 4), args=(9, 5), mode="sum", padding_idx=2),
        _plain(between(0, 9, 3, 4), args=(9, 5), mode="max"),
        _plain(between(0, 9, 8), torch.tensor([0, 3, 3]), args=(9, 5), mode="mean"),
        _plain(between(0, 9, 8), torch.tensor([0, 3, 8]), args=(9, 5), mode="sum", include_last_offset=True),
        _plain(between(0, 9, 3, 4), None, positive(3, 4), args=(9, 5), mode="sum"),
    ],
    "Embedding": [_plain(between(0, 9, 3, 4), args=(9, 5), max_norm=1.0), _plain(between(0, 9, 4), args=(9, 5, -1))],
    "TransformerDecoder": [
        _plain(SEQUENCE, MEMORY, args=(torch.nn.TransformerDecoderLayer(8, 2, 16, 0.0), 2)),
        _plain(
            SEQUENCE,
            MEMORY,
            torch.nn.Transformer.generate_square_subsequent_mask(5),
            args=(torch.nn.TransformerDecoderLayer(8, 2, 16, 0.0, norm_first=True), 1, torch.nn.LayerNorm(8)),
        ),
    ],
    "MultiheadAttention": [
        _plain(SEQUENCE, MEMORY, MEMORY, args=(8, 2), dropout=0.3, add_bias_kv=True, add_zero_attn=True),
        _plain(SEQUENCE, MEMORY, normal(6, 2, 8), args=(8, 4), bias=False),
    ],
    "Conv2d": [
        _plain(IMAGES, args=(4, 6, 3), padding=2, padding_mode=mode, groups=2)
        for mode in ("reflect", "replicate", "circular")
    ]
    + [_plain(IMAGES, args=(4, 6, (2, 3)), padding="same", padding_mode="circular", dilation=2)],
    "ConvTranspose2d": [_plain(IMAGES, [13, 13], args=(4, 6, 3), stride=2), _plain(normal(4, 5, 5), args=(4, 6, 3))],
    "LSTM": [_plain(normal(5, 2, 3), args=(3, 4, 2), dropout=0.4, bidirectional=True, proj_size=2)],
    "GRU": [_plain(normal(5, 2, 3), args=(3, 4, 2), dropout=0.4, batch_first=True)],
    "RNN": [_plain(normal(5, 2, 3), args=(3, 4, 2, "relu"), dropout=0.4, bidirectional=True)],
}

NOT_COMPARED = {
    "Module": "the base of all others",
    "Container": "the old base of containers",
    "RNNBase": "a base without forward",
    "RNNCellBase": "a base without forward",
    "Sequential": "a container, which tests/test_containers.py holds",
    "ModuleList": "a container, which cannot be called",
    "ModuleDict": "a container, which cannot be called",
    "ParameterList": "a container, which cannot be called",
    "ParameterDict": "a container, which cannot be called",
    "DataParallel": "runs on several devices",
}

# Modules whose initial values are normal numbers, for which logarithms and cosines are needed.
DRAWN_NORMAL = ("Embedding", "EmbeddingBag", "MultiheadAttention")

EXCUSES: tuple[Excuse, ...] = (
    Excuse(
        ("CrossMapLRN2d",),
        "^gradient of input",
        "PyTorch's written gradient is not that of its formula, whose sums never let go of the first channel; ours is",
    ),
)
