# pytorch-metric-learning: losses, miners, distances and reducers for embeddings.
"""Train an embedding of labelled points with several losses; hard pairs and triplets are mined."""

import torch
from pytorch_metric_learning import distances, losses, miners, reducers
from torch import nn


def main() -> dict[str, object]:
    """The value of each loss over training."""
    torch.manual_seed(0)
    labels = torch.arange(4).repeat(12)
    points = torch.randn(48, 6) + 2 * nn.functional.one_hot(labels, 6).float()
    found = {}
    candidates = {
        "triplet": losses.TripletMarginLoss(
            distance=distances.CosineSimilarity(), reducer=reducers.AvgNonZeroReducer()
        ),
        "contrastive": losses.ContrastiveLoss(),
        "multi similarity": losses.MultiSimilarityLoss(),
        "ntxent": losses.NTXentLoss(),
        "arcface": losses.ArcFaceLoss(num_classes=4, embedding_size=3),
        "proxy anchor": losses.ProxyAnchorLoss(num_classes=4, embedding_size=3),
        "circle": losses.CircleLoss(),
        "supcon": losses.SupConLoss(),
    }
    miner = miners.MultiSimilarityMiner()
    for name, loss_function in candidates.items():
        network = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
        optimizer = torch.optim.Adam([*network.parameters(), *loss_function.parameters()], lr=0.01)
        curve = []
        for _ in range(8):
            optimizer.zero_grad()
            embeddings = network(points)
            loss = loss_function(embeddings, labels, miner(embeddings, labels))
            loss.backward()
            optimizer.step()
            curve.append(loss.item())
        found[name] = curve
    return found
