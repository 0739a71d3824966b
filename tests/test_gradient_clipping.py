"""Gradients are held to a norm or to a range, in place, and told their norm before."""

import math

import pytest

import tapeless as torch
from tapeless.nn import utils


def parameters():
    """Two parameters with gradients (3, 0) and (4), and one without."""
    found = [torch.zeros(2, requires_grad=True), torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)]
    found[0].grad, found[1].grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    return found


def gradients(of):
    """All elements of all gradients."""
    return [x for p in of if p.grad is not None for x in p.grad.tolist()]


@pytest.mark.parametrize(("kind", "norm"), [(2.0, 5.0), (1.0, 7.0), (math.inf, 4.0)])
def test_the_norm_of_all_gradients_together_is_returned_and_held(kind, norm):
    given = parameters()
    assert utils.clip_grad_norm_(given, norm / 2, norm_type=kind).item() == pytest.approx(norm)
    assert gradients(given) == pytest.approx([1.5, 0.0, 2.0], rel=1e-5)
    assert utils.get_total_norm([p.grad for p in given[:2]], kind).item() == pytest.approx(norm / 2, rel=1e-5)


def test_gradients_within_the_norm_stay_as_they_are():
    given = parameters()
    utils.clip_grad_norm_(given, 100.0)
    assert gradients(given) == [3.0, 0.0, 4.0]


def test_parameters_may_come_from_a_generator():
    given = parameters()
    assert utils.clip_grad_norm_((p for p in given), 2.5).item() == 5.0
    assert gradients(given) == pytest.approx([1.5, 0.0, 2.0], rel=1e-5)


@pytest.mark.parametrize("clip", [utils.clip_grad_norm_, utils.clip_grad_value_])
def test_an_empty_generator_is_warned_of(clip):
    with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
        clip((p for p in ()), 1.0)


def test_each_element_is_held_to_a_range():
    given = parameters()
    given[0].grad[1] = -7.0
    utils.clip_grad_value_(given, 3.5)
    assert gradients(given) == [3.0, -3.5, 3.5]


def test_a_norm_that_is_not_finite_is_refused_where_that_is_asked_for():
    given = parameters()
    given[0].grad[0] = math.inf
    with pytest.raises(RuntimeError, match="is non-finite, so it cannot be clipped"):
        utils.clip_grad_norm_(given, 1.0, error_if_nonfinite=True)
    assert gradients(given)[1:] == [0.0, 4.0]


def test_the_old_name_warns_and_clips():
    given = parameters()
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        utils.clip_grad_norm(given, 2.5)
    assert gradients(given) == pytest.approx([1.5, 0.0, 2.0], rel=1e-5)
