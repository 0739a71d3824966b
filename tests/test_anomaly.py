"""Anomaly mode: a bad gradient and an error in backward name the operation, and where it was called."""

import re
import warnings

import pytest

from tests.subject import IS_PYTORCH, assert_same, leaf, torch


def failing(run, **options):
    """The error of `run` in anomaly mode, and the warnings that came with it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with torch.autograd.set_detect_anomaly(True, **options), pytest.raises(RuntimeError) as error:
            run()
    return str(error.value), [str(w.message) for w in caught]


def square_root_of_a_negative():
    return leaf([-1.0]).sqrt()  # This line is what the warning shows.


def test_a_nan_gradient_names_its_function_and_the_forward_call():
    error, said = failing(lambda: square_root_of_a_negative().backward())
    assert error == "Function 'SqrtBackward0' returned nan values in its 0th output."
    assert len(said) == 1
    assert said[0].startswith(
        "Error detected in SqrtBackward0. Traceback of forward call that caused the error:\n  File"
    )
    assert "in square_root_of_a_negative" in said[0]
    assert "leaf([-1.0]).sqrt()" in said[0]


def test_the_number_of_the_bad_output_is_given():
    def run():
        x, y = leaf([1.0]), leaf([0.0])
        (x * 0 / y).backward()  # d/dx is 1/0, and times 0 a NaN; d/dy is -0/0.

    error, _ = failing(run)
    assert error.startswith("Function 'DivBackward0' returned ")


@pytest.mark.ours_differs("PyTorch lets infinite gradients pass")
def test_an_infinite_gradient_is_found_too():
    error, said = failing(lambda: leaf([0.0]).sqrt().backward())
    assert error == "Function 'SqrtBackward0' returned inf values in its 0th output."
    assert len(said) == 1


@pytest.mark.usefixtures("quietly")
def test_without_check_nan_values_pass():
    with torch.autograd.set_detect_anomaly(True, check_nan=False):
        assert torch.is_anomaly_check_nan_enabled() is False
        x = leaf([-1.0])
        x.sqrt().backward()
    assert x.grad.isnan().tolist() == [True]
    assert torch.is_anomaly_enabled() is False


def test_any_error_in_a_backward_is_reported():
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            raise RuntimeError("broken on purpose")

    error, said = failing(lambda: Broken.apply(leaf([1.0])).backward())
    assert error == "broken on purpose"
    assert said[0].startswith("Error detected in BrokenBackward. Traceback of forward call")


def test_a_graph_made_outside_has_no_forward_information():
    y = square_root_of_a_negative()
    error, said = failing(y.backward)
    assert "SqrtBackward0" in error
    assert len(said) == 1
    assert said[0].startswith(
        "Error detected in SqrtBackward0. No forward pass information available. Enable detect anomaly during "
        "forward pass for more information."
    )


def test_a_second_order_error_names_the_calculation_that_led_to_it():
    def run():
        x = leaf([0.0])
        y = x**1.5  # The first derivative is 0, the second infinite, and the third step 0 * inf.
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        (g * 0).backward()

    error, said = failing(run)
    assert "returned" in error
    assert re.match(r"Error detected in PowBackward\d. Traceback of forward call that caused the error:", said[0])
    assert said[1].startswith(
        "\n\nPrevious calculation was induced by PowBackward0. Traceback of forward call that induced the previous "
    )


def test_a_write_to_a_saved_value_is_reported_where_the_value_was_saved():
    def run():
        y = leaf([1.0, 2.0]).exp()
        y.add_(1)
        y.sum().backward()

    error, said = failing(run)
    assert "Hint: the backtrace further above shows the operation that failed to compute its gradient." in error
    assert said[0].startswith("Error detected in ExpBackward0. Traceback of forward call")
    assert "y = leaf([1.0, 2.0]).exp()" in said[0]


def test_the_context_says_that_it_is_slow_and_restores_the_mode():
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        context = torch.autograd.detect_anomaly()
    with context:
        assert torch.is_anomaly_enabled()
    assert not torch.is_anomaly_enabled()


def test_good_gradients_are_what_they_are_without_it():
    x = leaf([1.0, 4.0])
    with torch.autograd.set_detect_anomaly(True):
        (x.sqrt() * x).sum().backward()
    assert_same(x.grad, [1.5, 3.0])
    with torch.autograd.set_detect_anomaly(True):
        node = (x * 2).grad_fn
    assert "test_good_gradients_are_what" in "".join(node.metadata["traceback_"])


@pytest.mark.ours_differs("PyTorch computes at once anyway")
@pytest.mark.skipif(IS_PYTORCH, reason="has no deferral")
def test_a_warning_made_an_error_leaves_the_engine_usable():
    with torch.autograd.set_detect_anomaly(True), pytest.raises(UserWarning, match="Error detected in"):
        square_root_of_a_negative().backward()
    x = leaf([2.0])
    (x * 3).backward()
    assert_same(x.grad, [3.0])
