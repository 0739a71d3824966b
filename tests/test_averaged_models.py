"""Averages of weights: the mean of all, moving averages, and the schedule that goes with them."""

import pytest

from tests.subject import assert_close, assert_same, leaf, torch

swa = torch.optim.swa_utils


def model_of(*weights):
    model = torch.nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([list(weights)]))
    return model


def averaged(**options):
    model = model_of(1.0, 2.0)
    average = swa.AveragedModel(model, **options)
    for value in (1.0, 3.0, 8.0):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update_parameters(model)
    return average


def test_the_mean_of_all():
    average = averaged()
    assert_close(average.module.weight, [[4.0, 4.0]])
    assert average.n_averaged.item() == 3
    assert list(average.state_dict()) == ["n_averaged", "module.weight"]
    assert_close(average(torch.tensor([[1.0, 1.0]])), [[8.0]])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"avg_fn": swa.get_ema_avg_fn(0.5)}, 5.0),
        ({"multi_avg_fn": swa.get_ema_multi_avg_fn(0.5)}, 5.0),
        ({"multi_avg_fn": swa.get_swa_multi_avg_fn()}, 4.0),
        ({"avg_fn": lambda mean, new, count: torch.maximum(mean, new)}, 8.0),
    ],
)
def test_other_means(options, expected):
    assert_close(averaged(**options).module.weight, [[expected, expected]])


@pytest.mark.parametrize(("use_buffers", "expected"), [(False, 6.0), (True, 4.0)])
def test_buffers_are_copied_or_averaged(use_buffers, expected):
    class Counted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.tensor([2.0]))
            self.weight = torch.nn.Parameter(torch.ones(1))

    model = Counted()
    average = swa.AveragedModel(model, use_buffers=use_buffers)
    for value in (2.0, 6.0):
        model.seen.fill_(value)
        average.update_parameters(model)
    assert_same(average.module.seen, [expected])


def test_the_rate_anneals_to_the_averages_own():
    optimizer = torch.optim.SGD([leaf([1.0])], lr=1.0)
    schedule = swa.SWALR(optimizer, swa_lr=0.2, anneal_epochs=4, anneal_strategy="linear")
    rates = []
    for _ in range(7):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert_close(rates, [1.0, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2])


def test_what_is_wrong_is_refused():
    functions = {"avg_fn": swa.get_ema_avg_fn(), "multi_avg_fn": swa.get_ema_multi_avg_fn()}
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
        swa.AveragedModel(model_of(1.0, 2.0), **functions)
    with pytest.raises(ValueError, match="Invalid decay value 2 provided"):
        swa.get_ema_avg_fn(2)
    with pytest.raises(ValueError, match="anneal_strategy must be one of 'cos' or 'linear'"):
        swa.SWALR(torch.optim.SGD([leaf([1.0])]), 0.1, anneal_strategy="x")
