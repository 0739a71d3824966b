"""x[...] where random expressions say little: deprecated forms, refusals in PyTorch's words, what is converted."""

import warnings

import numpy as np
import pytest

from tests.subject import assert_same, leaf, torch


def x(*shape):
    return torch.arange(float(np.prod(shape or (1,)))).reshape(shape)


def test_a_list_of_parts_is_a_key_of_several_parts_and_says_that_this_ends():
    with pytest.warns(UserWarning, match="Using a non-tuple sequence for multidimensional indexing is deprecated"):
        assert_same(x(2, 3)[[[0, 1], [1, 2]]], [1.0, 5.0])
    with pytest.warns(UserWarning, match="non-tuple sequence"):
        assert x(2, 3)[[slice(0, 1), None]].shape == (1, 1, 3)
    assert x(2, 3)[[0, 1, 1]].shape == (3, 3)
    assert x(2, 3)[np.array([[0, 1], [1, 1]])].shape == (2, 2, 3)


def test_masks_of_bytes_warn_and_mean_masks():
    mask = torch.tensor([1, 0, 1], dtype=torch.uint8)
    with pytest.warns(UserWarning, match="indexing with dtype torch.uint8 is now deprecated"):
        assert_same(x(3)[mask], [0.0, 2.0])


@pytest.mark.ours_differs("PyTorch refuses this one form")
def test_masks_of_bytes_are_written_through_as_well():
    y = x(3)
    with pytest.warns(UserWarning, match="torch.uint8 is now deprecated"):
        y[torch.tensor([1, 0, 1], dtype=torch.uint8)] = 7
    assert_same(y, [7.0, 1.0, 7.0])


@pytest.mark.ours_differs("PyTorch takes no sequences")
def test_sequences_are_written_in_the_tensors_dtype():
    y = x(2, 2)
    y[0] = [8, 9]
    y[[1]] = np.array([[5, 6]])
    assert_same(y, [[8.0, 9.0], [5.0, 6.0]])
    with pytest.raises(RuntimeError, match="must match the existing size"):
        y[0] = [1, 2, 3]


def test_one_element_of_another_dtype_goes_where_a_mask_holds_and_nowhere_else():
    y = x(3)
    y[y > 0] = torch.tensor(9, dtype=torch.int64)
    assert_same(y, [0.0, 9.0, 9.0])
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes match, got Float for"):
        y[[0]] = torch.tensor(9, dtype=torch.int64)


def test_numbers_count_before_picks_so_that_dimensions_stay():
    y = x(2, 3, 4)
    assert y[0, :, [1, 2]].shape == (3, 2)
    assert y[[0, 1], :, [1, 2]].shape == (2, 3)
    assert y[:, [0], None, [1, 2]].shape == (2, 2, 1)


def test_writes_through_views_reach_both_gradients():
    base, v = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([10.0])
    y = base * 1
    y.t()[0][[1]] = v
    assert_same(y, [[1.0, 2.0], [10.0, 4.0]])
    y.backward(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert_same(base.grad, [[1.0, 2.0], [0.0, 4.0]])
    assert_same(v.grad, [3.0])


def test_a_whole_tensor_gets_one_element_by_filling_and_equals_by_copying():
    v = leaf(2.0)
    y = torch.zeros(3) * 1
    y[...] = v
    assert y.grad_fn.name() == "FillBackward3"
    y.sum().backward()
    assert_same(v.grad, 3.0)
    z = torch.zeros(())
    z[...] = v
    assert z.grad_fn.name() == "torch::autograd::CopyBackwards"


def test_true_is_a_new_dimension_and_false_names_nothing():
    y = x(2)
    assert_same(y[True], [[0.0, 1.0]])
    assert y[False].shape == (0, 2)
    y[False] = 5
    assert_same(y, [0.0, 1.0])
    y[True] = torch.tensor([[3, 4]])
    assert_same(y, [3.0, 4.0])


REFUSED = [
    ("y[0, 0, 0]", IndexError, "too many indices for tensor of dimension 2"),
    ("y[2]", IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    ("y[[2]]", IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    ("y[torch.tensor([0.5])]", IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
    ("y[torch.tensor([True, False, True])]", IndexError, "The shape of the mask [3] at index 0 does not match"),
    ("y[[0, 1], [0, 1, 2]]", IndexError, "indexing tensors could not be broadcast together with shapes [2], [3]"),
    ("y[1.5]", IndexError, "only integers, slices"),
    ("y['a']", TypeError, "invalid data type 'str'"),
    ("y[::-1]", ValueError, "step must be greater than zero"),
    ("y[::0]", ValueError, "slice step cannot be zero"),
    ("y[0.5:]", TypeError, "slice indices must be integers or None"),
    ("y[2**70]", ValueError, "Overflow when unpacking long long"),
    ("y[0, 0][0]", IndexError, "invalid index of a 0-dim tensor"),
    ("y[0, 0][:]", IndexError, "slice() cannot be applied to a 0-dim tensor."),
    ("y.__setitem__(0, None)", TypeError, "can't assign a NoneType to a torch.FloatTensor"),
    ("y.__setitem__(0, 1j)", RuntimeError, "value cannot be converted to type float without overflow"),
    ("y.__setitem__([0], 1j)", RuntimeError, "value cannot be converted to type float without overflow"),
    ("y.__setitem__([0], torch.ones(5))", RuntimeError, "cannot be broadcast to indexing result of shape [1, 3]"),
]


@pytest.mark.parametrize(("text", "kind", "words"), REFUSED)
def test_bad_keys_and_values_are_refused_in_pytorchs_words(text, kind, words):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using a non-tuple sequence")
        with pytest.raises(kind) as caught:
            eval(text, {"torch": torch, "y": x(2, 3)})
    assert words in str(caught.value)


def test_numbers_are_not_looked_at_where_nothing_is_read():
    assert x(3, 1)[torch.tensor([0, 5]), 3:].shape == (2, 0)
    with pytest.raises(IndexError, match="out of bounds for dimension with size 0"):
        torch.empty(0, 2)[[0]]
