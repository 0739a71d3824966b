"""Schedules of learning rates: their curves, checkpoints, warnings and errors are PyTorch's."""

import math
import pickle
import warnings

import pytest

from tests.subject import assert_close, leaf, torch

schedules = torch.optim.lr_scheduler


def optimizer(*rates, momentum=0.9):
    groups = [{"params": [leaf([1.0])], "lr": rate} for rate in rates or (1.0,)]
    return torch.optim.SGD(groups, lr=1.0, momentum=momentum)


def curve(make, epochs=8, **options):
    owner = optimizer()
    schedule = make(owner, **options)
    rates = []
    for _ in range(epochs):
        rates.append(owner.param_groups[0]["lr"])
        owner.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("LambdaLR", {"lr_lambda": lambda e: 1 / (1 + e)}, [1 / (1 + e) for e in range(8)]),
        ("MultiplicativeLR", {"lr_lambda": lambda e: 0.5}, [0.5**e for e in range(8)]),
        ("StepLR", {"step_size": 3, "gamma": 0.5}, [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
        ("MultiStepLR", {"milestones": [2, 5, 5]}, [1, 1, 0.1, 0.1, 0.1, 0.001, 0.001, 0.001]),
        ("ConstantLR", {"factor": 0.5, "total_iters": 3}, [0.5, 0.5, 0.5, 1, 1, 1, 1, 1]),
        ("LinearLR", {"start_factor": 0.2, "total_iters": 4}, [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1]),
        ("ExponentialLR", {"gamma": 0.5}, [0.5**e for e in range(8)]),
        ("PolynomialLR", {"total_iters": 4, "power": 2}, [1, 0.5625, 0.25, 0.0625, 0, 0, 0, 0]),
        ("CosineAnnealingLR", {"T_max": 4}, [(1 + math.cos(math.pi * e / 4)) / 2 for e in range(8)]),
        (
            "CosineAnnealingWarmRestarts",
            {"T_0": 1, "T_mult": 2},
            [1, 1, 0.5, 1, 0.8535534, 0.5, 0.1464466, 1],
        ),
        ("CyclicLR", {"base_lr": 0, "max_lr": 1, "step_size_up": 2}, [0, 0.5, 1, 0.5, 0, 0.5, 1, 0.5]),
        (
            "OneCycleLR",
            {"max_lr": 1, "total_steps": 9, "pct_start": 0.5, "anneal_strategy": "linear", "div_factor": 2},
            [0.5, 0.642857, 0.785714, 0.928571, 0.8888944, 0.6666833, 0.4444722, 0.2222611],
        ),
    ],
)
def test_curves(name, options, expected):
    assert_close(curve(getattr(schedules, name), **options), expected, rtol=1e-5, atol=1e-9)


def test_momentum_moves_against_the_rate():
    owner = optimizer()
    schedule = schedules.CyclicLR(owner, 0.0, 1.0, step_size_up=2, base_momentum=0.5, max_momentum=0.9)
    momenta = []
    for _ in range(4):
        momenta.append(owner.param_groups[0]["momentum"])
        owner.step()
        schedule.step()
    assert_close(momenta, [0.9, 0.7, 0.5, 0.7])


def test_one_schedule_follows_another():
    def make(owner):
        ramp = schedules.LinearLR(owner, start_factor=0.25, total_iters=3)
        return schedules.SequentialLR(owner, [ramp, schedules.ExponentialLR(owner, 0.5)], milestones=[3])

    assert_close(curve(make), [0.25, 0.5, 0.75, 1, 0.5, 0.25, 0.125, 0.0625])


def test_schedules_act_together():
    def make(owner):
        first = schedules.ConstantLR(owner, factor=0.5, total_iters=2)
        return schedules.ChainedScheduler([first, schedules.ExponentialLR(owner, 0.5)])

    assert_close(curve(make, 4), [0.5, 0.25, 0.25, 0.125])


def test_a_plateau_lowers_the_rate():
    owner = optimizer()
    schedule = schedules.ReduceLROnPlateau(owner, factor=0.5, patience=1, cooldown=1, min_lr=0.3)
    rates = []
    for loss in (1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9):
        schedule.step(loss)
        rates.append(schedule.get_last_lr()[0])
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3]


def test_each_group_keeps_its_proportion():
    owner = optimizer(1.0, 0.1)
    schedule = schedules.StepLR(owner, 1, gamma=0.5)
    owner.step()
    schedule.step()
    assert_close(schedule.get_last_lr(), [0.5, 0.05])


def test_a_tensor_is_written_in_place():
    owner = optimizer()
    rate = owner.param_groups[0]["lr"] = torch.tensor(1.0)
    schedule = schedules.ExponentialLR(owner, 0.5)
    owner.step()
    schedule.step()
    assert owner.param_groups[0]["lr"] is rate and rate.item() == 0.5


@pytest.mark.parametrize("name", ["StepLR", "ExponentialLR"])
def test_a_state_dict_goes_on_where_it_was_taken(name):
    options = {"step_size": 2} if name == "StepLR" else {"gamma": 0.7}
    owner = optimizer()
    schedule = getattr(schedules, name)(owner, **options)
    for _ in range(3):
        owner.step()
        schedule.step()
    other = optimizer()
    again = getattr(schedules, name)(other, **options)
    other.load_state_dict(owner.state_dict())
    again.load_state_dict(schedule.state_dict())
    for o, s in ((owner, schedule), (other, again)):
        o.step()
        s.step()
    assert again.get_last_lr() == schedule.get_last_lr()


def test_steps_in_the_wrong_order_are_warned_of():
    schedule = schedules.StepLR(optimizer(), 1)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        schedule.step()


def test_an_epoch_is_deprecated_and_get_lr_private():
    owner = optimizer()
    schedule = schedules.StepLR(owner, 2, gamma=0.5)
    owner.step()
    with pytest.warns(UserWarning, match="The epoch parameter in"):
        schedule.step(5)
    assert schedule.get_last_lr() == [0.25]
    with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
        schedule.get_lr()


def test_a_subclass_writes_get_lr():
    class Halving(schedules._LRScheduler):
        def get_lr(self):
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    assert_close(curve(Halving, 4), [1, 0.5, 0.25, 0.125])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda o: schedules.StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda o: schedules.StepLR(o, 1, last_epoch=2), KeyError, "'initial_lr' is not specified"),
        (lambda o: schedules.LambdaLR(o, [len, len]), ValueError, "Expected 1 lr_lambdas, but got 2"),
        (lambda o: schedules.ConstantLR(o, factor=2.0), ValueError, "expected to be between 0 and 1"),
        (lambda o: schedules.LinearLR(o, start_factor=0), ValueError, "greater than 0 and less or equal to 1"),
        (lambda o: schedules.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
        (lambda o: schedules.OneCycleLR(o, 1.0), ValueError, "You must define either total_steps OR"),
        (lambda o: schedules.CyclicLR(o, 0.1, 1.0, mode="x"), ValueError, "mode is invalid and scale_fn is None"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), ValueError, "Expected positive integer T_0"),
        (lambda o: schedules.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0"),
        (lambda o: schedules.ReduceLROnPlateau(o, mode="x"), ValueError, "mode x is unknown!"),
    ],
)
def test_what_is_wrong_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make(optimizer())


def test_a_cycle_ends():
    owner = optimizer()
    schedule = schedules.OneCycleLR(owner, 1.0, total_steps=3)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="Tried to step 4 times"):
        warnings.simplefilter("ignore")
        for _ in range(4):
            schedule.step()


def test_a_schedule_is_pickled_by_pytorchs_path():
    schedule = schedules.CosineAnnealingLR(optimizer(), T_max=5)
    assert type(schedule).__module__ == torch.__name__ + ".optim.lr_scheduler"
    again = pickle.loads(pickle.dumps(schedules.StepLR))
    assert again is schedules.StepLR
