# skorch: a network as a scikit-learn estimator, inside a pipeline and a GridSearchCV.
"""Search learning rate and width of a classifier by cross-validation."""

import numpy as np
import torch
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import EarlyStopping, EpochScoring, LRScheduler
from torch import nn


class Classifier(nn.Module):
    """Two layers with a width to be searched."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 2), nn.Softmax(dim=-1))

    def forward(self, x):
        return self.layers(x)


def main() -> dict[str, object]:
    """Scores of the search, losses of the best network, and of a regression with a schedule."""
    torch.manual_seed(0)
    x, y = make_classification(200, 10, n_informative=5, random_state=0)
    x, y = x.astype(np.float32), y.astype(np.int64)
    net = NeuralNetClassifier(Classifier, max_epochs=5, lr=0.1, verbose=0, iterator_train__shuffle=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("net", net)])
    grid = {"net__lr": [0.05, 0.2], "net__module__width": [4, 12]}
    search = GridSearchCV(pipeline, grid, cv=3, scoring="accuracy", refit=True)
    search.fit(x, y)
    history = search.best_estimator_.named_steps["net"].history
    a, b = make_regression(100, 4, noise=1.0, random_state=1)
    callbacks = [
        ("rate", LRScheduler("StepLR", step_size=3, gamma=0.5)),
        ("stop", EarlyStopping(patience=20)),
        ("r2", EpochScoring("r2", lower_is_better=False)),
    ]
    regressor = NeuralNetRegressor(
        nn.Linear, module__in_features=4, module__out_features=1, optimizer=torch.optim.Adam, lr=0.5, max_epochs=8,
        verbose=0, callbacks=callbacks,
    )  # fmt: skip
    regressor.fit(a.astype(np.float32), b.astype(np.float32).reshape(-1, 1) / 50)
    return {
        "scores": search.cv_results_["mean_test_score"].tolist(),
        "best": str(sorted(search.best_params_.items())),
        "losses": history[:, "train_loss"],
        "regression": regressor.history[:, "valid_loss"],
    }
