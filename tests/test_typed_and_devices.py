"""Typed constructors, devices that can only be named, tensors without memory, storages, and what testing asserts."""

import subprocess
import sys

import pytest

import tapeless
from tapeless.testing import assert_allclose, assert_close, make_tensor

torch = tapeless


def test_typed_constructors_make_and_recognise_their_dtype():
    assert torch.LongTensor([1, 2]).dtype is torch.int64 and torch.FloatTensor(2, 3).shape == (2, 3)
    assert isinstance(torch.ones(1), torch.FloatTensor) and not isinstance(torch.ones(1), torch.LongTensor)
    assert torch.ones(2).type(torch.LongTensor).dtype is torch.int64
    assert torch.ones(2).type("torch.DoubleTensor").type() == "torch.DoubleTensor"
    with pytest.raises(TypeError, match="expected torch.LongTensor"):
        torch.LongTensor(torch.ones(2))


def test_new_makes_tensors_of_the_same_dtype():
    x = torch.ones(2, dtype=torch.int16)
    assert x.new([1, 2]).dtype is torch.int16 and x.new(2, 3).shape == (2, 3) and x.new().shape == (0,)


def test_a_device_without_backend_can_be_named_and_not_used():
    assert torch.device("cuda:1").index == 1 and str(torch.device("mps")) == "mps"
    for use in (lambda: torch.ones(2, device="cuda"), lambda: torch.ones(2).cuda(), lambda: torch.ones(2).to("cuda:0")):
        with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
            use()


def test_a_scope_sets_the_device_and_puts_the_old_one_back():
    with torch.device("meta"):
        assert torch.ones(2).is_meta
        with torch.device("cpu"):
            assert not torch.ones(2).is_meta
        assert torch.zeros(3).is_meta
    assert not torch.ones(2).is_meta


def test_elements_of_meta_tensors_are_refused_and_never_read():
    x = torch.ones(3, device="meta")
    for use in (
        lambda: torch.ones(3).copy_(x),
        lambda: x.cpu(),
        lambda: x.tolist(),
        lambda: bool(x[0]),
        lambda: repr(x + 1),
    ):
        try:
            assert isinstance(use(), str)
        except (NotImplementedError, RuntimeError) as error:
            assert "meta" in str(error)


def test_storages_are_the_tensors_memory():
    x = torch.tensor([1.0, 2.0, 3.0])
    typed, raw = x[1:].storage(), x.untyped_storage()
    assert list(typed) == [1.0, 2.0, 3.0] and typed.dtype is torch.float32 and len(raw) == 12
    typed[0] = 5.0
    assert x[0] == 5.0 and raw.clone().tolist() == raw.tolist() and raw == typed.untyped()


def test_shared_memory_is_seen_by_a_forked_process():
    program = (
        "import os, tapeless as torch\n"
        "x = torch.zeros(4).share_memory_()\n"
        "if os.fork() == 0:\n    x.add_(1.0); os._exit(0)\n"
        "os.wait()\n"
        "assert x.is_shared() and x.tolist() == [1.0] * 4, x\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_assert_close_says_where_and_by_how_much():
    with pytest.raises(
        AssertionError, match=r"Mismatched elements: 1 / 2 \(50.0%\)\nGreatest absolute difference: 0.09999"
    ):
        assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
    with pytest.raises(AssertionError, match=r"The failure occurred for item \['a'\]\[1\]"):
        assert_close({"a": [1, torch.tensor(2)]}, {"a": [1, torch.tensor(3)]})
    with pytest.raises(AssertionError, match="attribute 'dtype' do not match"):
        assert_close(torch.ones(1), torch.ones(1).double())
    with pytest.raises(AssertionError, match="hello"):
        assert_close(1.0, 2.0, msg="hello")
    with pytest.raises(ValueError, match="but got no atol"):
        assert_close(1.0, 1.0, rtol=1)
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close(torch.ones(1), 1.0)


def test_assert_close_accepts_what_its_tolerances_allow():
    assert_close(torch.ones(2), torch.ones(2) + 1e-6)
    assert_close(torch.tensor(float("inf")), torch.tensor(float("inf")))
    assert_close(torch.ones(2), torch.ones(2).double(), check_dtype=False)
    assert_close(torch.tensor(float("nan")), torch.tensor(float("nan")), equal_nan=True)
    assert_allclose(torch.ones(2), [1.0, 1.0])


@pytest.mark.parametrize("dtype", (torch.float32, torch.int64, torch.bool, torch.complex64, torch.uint8))
def test_make_tensor_stays_within_its_bounds(dtype):
    x = make_tensor((5, 4), dtype=dtype, low=0, high=2, noncontiguous=True)
    assert x.shape == (5, 4) and x.dtype is dtype and not x.is_contiguous()
    parts = torch.view_as_real(x) if dtype.is_complex else x.to(torch.float64)
    assert parts.min() >= 0 and parts.max() < 2


def test_sizes_hold_integers_only():
    with pytest.raises(TypeError, match=r"takes an iterable of 'int' \(item 0 is 'float'\)"):
        torch.Size([2.5])


def test_getsizeof_counts_a_storages_bytes():
    x = torch.zeros(1000)
    assert sys.getsizeof(x.untyped_storage()) >= 4000 and sys.getsizeof(x.storage()) >= 4000


def test_limits_are_known_for_pythons_numbers_too():
    assert torch.finfo(float).bits == 64 and torch.finfo(complex).eps == torch.finfo(torch.float64).eps
    assert torch.iinfo(int).max == 2**63 - 1
    with pytest.raises(TypeError, match="requires a floating point input type"):
        torch.finfo(int)
