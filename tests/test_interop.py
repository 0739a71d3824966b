"""NumPy, DLPack, buffers, pickle and copy: what shares memory and what does not."""

import copy
import io
import pickle

import numpy as np
import pytest

from tests.subject import IS_PYTORCH, assert_same, leaf, run_alone, torch, values

DTYPES = [
    "float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "bool",
    "complex64", "complex128",
]  # fmt: skip
REQUIRES_GRAD = (
    r"Can't call numpy\(\) on Tensor that requires grad\. Use tensor\.detach\(\)\.numpy\(\) instead"
)


# NumPy


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_both_ways_keeps_dtype_shape_and_memory(dtype):
    array = np.array([[1, 0, 1], [0, 1, 1]], dtype=dtype)
    x = torch.from_numpy(array)
    assert x.dtype == getattr(torch, dtype) and x.shape == (2, 3) and x.stride() == (3, 1)
    back = x.numpy()
    assert back.dtype == array.dtype and np.shares_memory(back, array)
    x[0, 1] = 1
    assert array[0, 1] == 1 and back[0, 1] == 1
    array[1, 0] = 1
    assert values(x[1, 0]) == 1


def test_strides_and_offsets_are_shared_with_numpy():
    array = np.arange(12.0).reshape(3, 4)
    x = torch.from_numpy(array.T[1:, ::2])
    assert x.stride() == (1, 8)
    assert_same(x, [[1.0, 9.0], [2.0, 10.0], [3.0, 11.0]])
    x.mul_(2)
    assert array[2, 3] == 22.0
    view = torch.arange(6.0).reshape(2, 3).t()[1:]
    assert view.numpy().strides == (4, 12) and view.numpy().tolist() == view.tolist()


def test_empty_and_0d_arrays():
    assert torch.from_numpy(np.zeros((0, 3))).shape == (0, 3)
    assert torch.from_numpy(np.array(5.0)).shape == ()
    assert torch.zeros(2, 0).numpy().shape == (2, 0)
    assert torch.tensor(5.0).numpy().shape == ()


def test_memory_lives_as_long_as_either_side_needs_it():
    x = torch.from_numpy(np.arange(1000.0))
    assert values(x[999]) == 999.0
    array = torch.arange(1000.0).numpy()
    filler = [torch.zeros(1000) for _ in range(10)]
    assert array[999] == 999.0 and len(filler) == 10


def test_arrays_that_cannot_be_shared_raise():
    with pytest.raises(ValueError, match="strides in the given numpy array|negative"):
        torch.from_numpy(np.ones(4)[::-1])
    with pytest.raises(TypeError, match=r"can't convert np\.ndarray of type numpy\.str_"):
        torch.from_numpy(np.array(["a"]))
    with pytest.raises(TypeError, match=r"expected np\.ndarray \(got list\)"):
        torch.from_numpy([1])
    with pytest.raises(ValueError, match="byte order"):
        torch.from_numpy(np.zeros(1, dtype=">f4"))
    with pytest.raises(TypeError, match="BFloat16"):
        torch.ones(2, dtype=torch.bfloat16).numpy()


def test_numpy_of_a_tensor_that_requires_grad():
    a = leaf([1.0, 2.0])
    for convert in (lambda: a.numpy(), lambda: np.asarray(a), lambda: (a * 2).numpy()):
        with pytest.raises(RuntimeError, match=REQUIRES_GRAD):
            convert()
    assert a.numpy(force=True).tolist() == [1.0, 2.0]
    assert np.shares_memory(a.detach().numpy(), a.detach().numpy())
    assert a.tolist() == [1.0, 2.0]


def test_tensor_copies_and_as_tensor_shares():
    array = np.arange(3.0)
    copied, shared = torch.tensor(array), torch.as_tensor(array)
    array[0] = 9
    assert_same([copied[0], shared[0]], [0.0, 9.0])
    assert torch.tensor(np.arange(3, dtype="int16")).dtype == torch.int16
    assert torch.tensor(np.float32(2.5)).dtype == torch.float32
    assert_same(torch.tensor([np.float64(1.5), np.float64(2.0)]), [1.5, 2.0])


def test_numpy_scalars_are_numbers():
    x = torch.ones(2)
    assert (x * np.float64(2)).dtype == torch.float32
    assert_same(x * np.float64(2), [2.0, 2.0])
    assert_same(x + np.int64(3), [4.0, 4.0])
    assert_same(x[np.int64(1)], 1.0)
    assert torch.zeros(np.int64(3)).shape == (3,)


def test_a_tensor_is_an_array_for_numpy():
    assert np.asarray(torch.ones(2)).dtype == np.float32
    assert np.asarray(torch.ones(2), dtype=np.float64).dtype == np.float64
    assert float(np.sum(np.asarray(torch.arange(4.0)))) == 6.0


def test_numpy_is_imported_only_when_it_is_needed():
    output = run_alone("""
        import sys
        x = torch.ones(3) * 2
        print(x, x.sum().item(), "numpy" in sys.modules)
        """)
    assert output == f"tensor([2., 2., 2.]) 6.0 {IS_PYTORCH}\n"


# DLPack and buffers


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_both_ways_shares_memory(dtype):
    x = torch.tensor([[1, 0], [0, 1]], dtype=getattr(torch, dtype))
    array = np.from_dlpack(x)
    assert array.dtype == np.dtype(dtype)
    x[0, 1] = 1
    assert array[0, 1] == 1
    back = torch.from_dlpack(x)
    assert back is not x and back.dtype == x.dtype
    back[1, 0] = 1
    assert values(x[1, 0]) == 1
    from_array = torch.from_dlpack(np.ones(3, dtype=dtype))
    assert from_array.dtype == x.dtype and from_array.shape == (3,)


def test_dlpack_keeps_strides_and_states_the_device():
    x = torch.arange(6.0).reshape(2, 3).t()
    assert np.from_dlpack(x).strides == (4, 12)
    assert torch.from_dlpack(x).stride() == (1, 3)
    kind, index = x.__dlpack_device__()
    assert (int(kind), index) == (1, 0)


def test_dlpack_of_a_tensor_that_requires_grad_raises():
    with pytest.raises(
        BufferError, match=r"Can't export tensors that require gradient, use tensor\.detach\(\)"
    ):
        leaf([1.0]).__dlpack__()


def test_dlpack_memory_outlives_the_tensor():
    array = np.from_dlpack(torch.arange(1000.0) * 2)
    filler = [torch.zeros(1000) for _ in range(10)]
    assert array[999] == 1998.0 and len(filler) == 10


@pytest.mark.ours_differs("a PyTorch tensor has no buffer protocol")
def test_a_tensor_is_a_buffer():
    x = torch.arange(6.0).reshape(2, 3)
    view = memoryview(x)
    assert view.shape == (2, 3) and view.format == "f" and view.strides == (12, 4)
    assert view.tolist() == x.tolist() and not view.readonly
    x[1, 2] = 50.0
    assert view[1, 2] == 50.0
    view[0, 0] = 7.0
    assert values(x[0, 0]) == 7.0
    assert memoryview(x.t()).strides == (4, 12)


@pytest.mark.ours_differs("a PyTorch tensor has no buffer protocol")
def test_a_buffer_of_a_tensor_that_requires_grad_raises():
    with pytest.raises(BufferError, match="detach"):
        memoryview(leaf([1.0]))


def test_frombuffer_shares_the_bytes():
    data = bytearray(8)
    x = torch.frombuffer(data, dtype=torch.float32)
    assert_same(x, [0.0, 0.0])
    x.fill_(1.0)
    assert bytes(data) == b"\x00\x00\x80\x3f" * 2


# Python numbers


def test_a_tensor_of_one_element_is_a_number():
    assert int(torch.tensor(2.7)) == 2 and float(torch.tensor([[2]])) == 2.0
    assert complex(torch.tensor(1j)) == 1j and not bool(torch.tensor([0.0]))
    assert [10, 20, 30][torch.tensor(1)] == 20
    assert type(torch.tensor(True).item()) is bool and type(torch.tensor(1).item()) is int
    with pytest.raises(TypeError, match="only integer tensors of a single element"):
        [10, 20][torch.tensor(1.0)]


def test_a_tensor_that_requires_grad_warns_when_it_becomes_a_number():
    with pytest.warns(
        UserWarning,
        match="Converting a tensor with requires_grad=True to a scalar may lead to unexpected",
    ):
        assert float(leaf([1.0])) == 1.0
    assert leaf(2.0).item() == 2.0


# Pickling and copying


def round_trip(x, protocol=pickle.HIGHEST_PROTOCOL):
    """x through pickle and back."""
    stream = io.BytesIO()
    pickle.dump(x, stream, protocol=protocol)
    stream.seek(0)
    return pickle.load(stream)


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_pickle_keeps_values_dtype_and_flag(dtype, protocol):
    x = torch.tensor([[1, 0], [1, 1]], dtype=getattr(torch, dtype))
    y = round_trip(x, protocol)
    assert y.dtype == x.dtype and y.shape == x.shape and not y.requires_grad
    assert_same(y, x)
    y.zero_()
    assert values(x[0, 0]) == 1


def test_pickle_keeps_strides_and_the_flag_and_drops_the_gradient():
    x = torch.arange(6.0).reshape(2, 3).t().detach().requires_grad_()
    x.sum().backward()
    y = round_trip(x)
    assert y.stride() == (1, 3) and y.requires_grad and y.is_leaf and y.grad is None
    assert_same(y, x)


def test_a_computed_tensor_is_pickled_as_a_leaf():
    y = round_trip(leaf([1.0]) * 2)
    assert y.is_leaf and y.requires_grad
    assert_same(y, [2.0])


def test_pickle_keeps_attributes_and_identity():
    x = torch.ones(2)
    x.note = "kept"
    first, second, empty, scalar = round_trip([x, x, torch.zeros(0, 3), torch.tensor(5)])
    assert first is second and first.note == "kept"
    assert empty.shape == (0, 3)
    assert_same(scalar, 5)


def test_deepcopy_copies_a_leaf_with_its_gradient():
    a = leaf([1.0, 2.0])
    (a * 3).sum().backward()
    b = copy.deepcopy(a)
    assert b is not a and b.requires_grad and b.is_leaf
    assert b.grad is not None and b.grad is not a.grad
    assert_same(b.grad, [3.0, 3.0])
    with torch.no_grad():
        b.zero_()
    assert_same(a, [1.0, 2.0])


def test_deepcopy_keeps_sharing_inside_what_is_copied():
    base = torch.arange(4.0)
    x, y, same = copy.deepcopy((base, base[1:3], base))
    assert same is x
    y.fill_(9)
    assert_same([x, base], [[0.0, 9.0, 9.0, 3.0], [0.0, 1.0, 2.0, 3.0]])


def test_deepcopy_of_a_computed_tensor_raises():
    with pytest.raises(
        RuntimeError,
        match=r"Only Tensors created explicitly by the user \(graph leaves\) support the deepcopy",
    ):
        copy.deepcopy(leaf([1.0]) * 2)


def test_strides_and_dtype_survive_deepcopy():
    x = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3).t()
    y = copy.deepcopy(x)
    assert y.stride() == (1, 3) and y.dtype == torch.bfloat16
    assert_same(y, x)
