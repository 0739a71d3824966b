"""Numbers near 2^63 as sizes, strides, offsets and bounds: an error that says so, and never foreign memory."""

import pytest

from tests.subject import IS_PYTORCH, assert_same, torch

OVERFLOW = "Storage size calculation overflowed"


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((2**62,), (2**62,), 0), ((2,), (2**62,), 0), ((2,), (1,), 2**62), ((2**32, 2**32), (2**31, 2**32), 0)],
)
def test_a_stride_whose_reach_overflows_is_not_a_way_out_of_the_storage(size, stride, offset):
    with pytest.raises(RuntimeError, match=OVERFLOW + "|numel: integer multiplication overflow"):
        torch.ones(4).as_strided(size, stride, offset)


@pytest.mark.ours_differs("PyTorch leaves the tensor with the size that it refused")
def test_resizing_beyond_64_bits_raises_and_leaves_the_tensor():
    x = torch.ones(3)
    for size in (2**62, 2**61):
        with pytest.raises(RuntimeError, match=OVERFLOW):
            x.resize_(size)
    for size in ((2**40, 2**40), (-2,)):
        with pytest.raises(RuntimeError):
            x.resize_(size)
    assert_same(x, [1.0, 1.0, 1.0])


@pytest.mark.parametrize("count", [5, 8, 9])
def test_lengths_that_add_up_beyond_64_bits_are_not_concatenated(count):
    # Eight of these wrap to zero, nine to a size that looks possible.
    if IS_PYTORCH and count == 8:
        pytest.skip("PyTorch writes past the end here")
    with pytest.raises(RuntimeError):
        torch.cat([torch.ones(1).expand(2**61)] * count)


def test_narrow_compares_without_overflow():
    with pytest.raises(RuntimeError, match=r"exceeds dimension size \(3\)"):
        torch.ones(3).narrow(0, 1, 2**63 - 1)


@pytest.mark.filterwarnings("ignore:Truncating the start")
def test_slice_bounds_of_any_size_mean_what_they_mean_for_a_list():
    x, numbers = torch.arange(3), [0, 1, 2]
    far = 2**70
    for key in (slice(-far, far), slice(far, None), slice(None, -far), slice(-far, 2, far)):
        assert_same(x[key], numbers[key])


@pytest.mark.ours_differs("PyTorch computes a negative size for it")
def test_the_longest_step_takes_the_first_element():
    assert_same([torch.arange(3)[:: 2**63 - 1], torch.arange(3)[2 :: 2**63 - 1]], [[0], [2]])


@pytest.mark.parametrize("index", [2**62, -(2**63), 2**63 - 1])
def test_an_absurd_index_is_out_of_bounds_everywhere(index):
    x, at = torch.ones(3), torch.tensor([index])
    for read in (
        lambda: x[index],
        lambda: x[at],
        lambda: x.gather(0, at),
        lambda: x.index_select(0, at),
        lambda: x.sum(index),
        lambda: x.unsqueeze(index),
        lambda: x.select(0, index),
        lambda: x.scatter_add(0, at, torch.ones(1)),
    ):
        with pytest.raises((IndexError, RuntimeError)):
            read()


@pytest.mark.ours_differs("PyTorch's message names no line")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_failed_allocation_gives_the_size_and_the_line():
    with pytest.raises(RuntimeError, match=r"(?s)asked for 4611686018427387904 bytes.* at .*test_absurd_sizes\.py:\d+"):
        torch.empty(2**60)
    with pytest.raises(RuntimeError, match=r"(?s)asked for 4611686018427387904 bytes.* at .*test_absurd_sizes\.py:\d+"):
        torch.ones(1).expand(2**60) + 1
    assert_same(torch.ones(2) + 1, [2.0, 2.0])
