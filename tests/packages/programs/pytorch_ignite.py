# pytorch-ignite: a trainer and an evaluator with handlers, metrics, a checkpoint and a learning-rate schedule.
"""Train a classifier with ignite's engines; its events drive everything else."""

import tempfile
from pathlib import Path

import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import Checkpoint, DiskSaver, EarlyStopping, LinearCyclicalScheduler
from ignite.metrics import Accuracy, ConfusionMatrix, Loss, Precision, RunningAverage
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main() -> dict[str, object]:
    """Curves of metrics, the learning rates, and what a checkpoint brings back."""
    torch.manual_seed(0)
    x = torch.randn(96, 5)
    y = (x[:, 0] + x[:, 1] > 0).long() + (x[:, 2] > 1).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    trainer = create_supervised_trainer(model, optimizer, criterion)
    RunningAverage(output_transform=lambda loss: loss).attach(trainer, "running")
    metrics = {"accuracy": Accuracy(), "loss": Loss(criterion), "confusion": ConfusionMatrix(3)}
    metrics["precision"] = Precision(average=False)
    evaluator = create_supervised_evaluator(model, metrics)
    trainer.add_event_handler(Events.ITERATION_STARTED, LinearCyclicalScheduler(optimizer, "lr", 0.1, 0.02, 12))
    stop = EarlyStopping(patience=3, score_function=lambda engine: -engine.state.metrics["loss"], trainer=trainer)
    evaluator.add_event_handler(Events.COMPLETED, stop)
    curves, rates = [], []

    @trainer.on(Events.ITERATION_COMPLETED(every=2))
    def note_rate(engine):
        rates.append([optimizer.param_groups[0]["lr"], engine.state.metrics["running"]])

    @trainer.on(Events.EPOCH_COMPLETED)
    def note_metrics(engine):
        state = evaluator.run(DataLoader(TensorDataset(x, y), batch_size=32))
        curves.append([state.metrics["accuracy"], state.metrics["loss"], *state.metrics["precision"].tolist()])

    with tempfile.TemporaryDirectory() as folder:
        keep = {"model": model, "optimizer": optimizer, "trainer": trainer}
        checkpoint = Checkpoint(keep, DiskSaver(folder, require_empty=False), n_saved=1)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, checkpoint)
        trainer.run(loader, max_epochs=4)
        saved = torch.load(next(Path(folder).glob("*.pt")))
    Checkpoint.load_objects({"model": model}, saved)
    return {"curves": curves, "rates": rates, "confusion": evaluator.state.metrics["confusion"], "out": model(x[:4])}
