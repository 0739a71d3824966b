# torchmetrics: metrics of classification, regression, images and texts, and collections of them.
"""Update metrics over batches; compute, reset, and compose them."""

import torch
import torchmetrics
from torchmetrics import MetricCollection
from torchmetrics.classification import BinaryAUROC, MulticlassAccuracy, MulticlassConfusionMatrix, MulticlassF1Score
from torchmetrics.functional import pairwise_cosine_similarity
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure
from torchmetrics.regression import MeanSquaredError, PearsonCorrCoef, R2Score, SpearmanCorrCoef


def main() -> dict[str, object]:
    """The value of each metric over four batches."""
    torch.manual_seed(0)
    classes = MetricCollection(
        [MulticlassAccuracy(5), MulticlassF1Score(5, average="macro"), MulticlassConfusionMatrix(5)]
    )
    regression = MetricCollection([MeanSquaredError(), PearsonCorrCoef(), R2Score(), SpearmanCorrCoef()])
    area, mean = BinaryAUROC(), torchmetrics.MeanMetric()
    for _ in range(4):
        scores, labels = torch.randn(32, 5), torch.randint(0, 5, (32,))
        classes.update(scores, labels)
        x = torch.randn(32)
        regression.update(x + 0.3 * torch.randn(32), x)
        area.update(torch.rand(32), torch.randint(0, 2, (32,)))
        mean.update(x)
    image = torch.rand(2, 3, 32, 32)
    noisy = (image + 0.05 * torch.randn_like(image)).clamp(0, 1)
    similarity = StructuralSimilarityIndexMeasure(data_range=1.0)
    noise = PeakSignalNoiseRatio(data_range=1.0)
    composed = MeanSquaredError() + 2 * MeanSquaredError()
    composed.update(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    return {
        **classes.compute(),
        **regression.compute(),
        "area": area.compute(),
        "mean": mean.compute(),
        "similarity": similarity(noisy, image),
        "noise": noise(noisy, image),
        "composed": composed.compute(),
        "cosine": pairwise_cosine_similarity(torch.arange(6.0).reshape(2, 3), torch.ones(2, 3)),
    }
