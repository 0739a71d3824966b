"""repr of a tensor is PyTorch's, character for character."""

import pytest

from tests.subject import leaf, torch

REPRS = [
    (
        lambda: torch.tensor([1.0, 2.0, 3.0]),
        "tensor([1., 2., 3.])",
    ),
    (
        lambda: torch.tensor([1.5, -2.25]),
        "tensor([ 1.5000, -2.2500])",
    ),
    (
        lambda: torch.tensor([0.1, 0.25, 100.0]),
        "tensor([  0.1000,   0.2500, 100.0000])",
    ),
    (
        lambda: torch.tensor([1.0, 10000.0]),
        "tensor([1.0000e+00, 1.0000e+04])",
    ),
    (
        lambda: torch.tensor([0.0001, 1.0]),
        "tensor([1.0000e-04, 1.0000e+00])",
    ),
    (
        lambda: torch.tensor([1e-5, 1.0]),
        "tensor([1.0000e-05, 1.0000e+00])",
    ),
    (
        lambda: torch.tensor([1e8, 1.0]),
        "tensor([1.0000e+08, 1.0000e+00])",
    ),
    (
        lambda: torch.tensor([100000000.0, 200000000.0]),
        "tensor([1.0000e+08, 2.0000e+08])",
    ),
    (
        lambda: torch.tensor([123456.789, 0.5]),
        "tensor([1.2346e+05, 5.0000e-01])",
    ),
    (
        lambda: torch.tensor([1e-10, 2e-10]),
        "tensor([1.0000e-10, 2.0000e-10])",
    ),
    (
        lambda: torch.tensor([-0.0, 0.0]),
        "tensor([-0., 0.])",
    ),
    (
        lambda: torch.tensor([float("nan"), float("inf"), -float("inf")]),
        "tensor([nan, inf, -inf])",
    ),
    (
        lambda: torch.tensor([float("nan"), 1.0, 2.0]),
        "tensor([nan, 1., 2.])",
    ),
    (
        lambda: torch.tensor([float("inf"), 1.5]),
        "tensor([   inf, 1.5000])",
    ),
    (
        lambda: torch.tensor(3.5),
        "tensor(3.5000)",
    ),
    (
        lambda: torch.tensor(2.0),
        "tensor(2.)",
    ),
    (
        lambda: torch.tensor(1e-7),
        "tensor(1.0000e-07)",
    ),
    (
        lambda: torch.tensor(float("nan")),
        "tensor(nan)",
    ),
    (
        lambda: torch.tensor([]),
        "tensor([])",
    ),
    (
        lambda: torch.zeros(0, 3),
        "tensor([], size=(0, 3))",
    ),
    (
        lambda: torch.zeros(2, 0, dtype=torch.int64),
        "tensor([], size=(2, 0), dtype=torch.int64)",
    ),
    (
        lambda: torch.tensor([1, 20, -300]),
        "tensor([   1,   20, -300])",
    ),
    (
        lambda: torch.tensor(7),
        "tensor(7)",
    ),
    (
        lambda: torch.tensor([1, 2], dtype=torch.int32),
        "tensor([1, 2], dtype=torch.int32)",
    ),
    (
        lambda: torch.tensor([1, 2], dtype=torch.uint8),
        "tensor([1, 2], dtype=torch.uint8)",
    ),
    (
        lambda: torch.tensor([True, False]),
        "tensor([ True, False])",
    ),
    (
        lambda: torch.tensor(True),
        "tensor(True)",
    ),
    (
        lambda: torch.tensor([1.0, 2.0], dtype=torch.float64),
        "tensor([1., 2.], dtype=torch.float64)",
    ),
    (
        lambda: torch.tensor([1.0, 2.5], dtype=torch.float16),
        "tensor([1.0000, 2.5000], dtype=torch.float16)",
    ),
    (
        lambda: torch.tensor([1.0, 2.5, 3.140625], dtype=torch.bfloat16),
        "tensor([1.0000, 2.5000, 3.1406], dtype=torch.bfloat16)",
    ),
    (
        lambda: torch.tensor([1 + 2j, -0.5j]),
        "tensor([1.+2.0000j, -0.-0.5000j])",
    ),
    (
        lambda: torch.tensor([1.25 + 2j], dtype=torch.complex128),
        "tensor([1.2500+2.j], dtype=torch.complex128)",
    ),
    (
        lambda: torch.tensor(1 - 1j),
        "tensor(1.-1.j)",
    ),
    (
        lambda: torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "tensor([[1., 2.],\n        [3., 4.]])",
    ),
    (
        lambda: torch.tensor([[1, 2, 3], [40, 50, 60]]),
        "tensor([[ 1,  2,  3],\n        [40, 50, 60]])",
    ),
    (
        lambda: torch.arange(8.0).reshape(2, 2, 2),
        "tensor([[[0., 1.],\n         [2., 3.]],\n\n        [[4., 5.],\n         [6., 7.]]])",
    ),
    (
        lambda: torch.tensor([1.0, 2.0], requires_grad=True),
        "tensor([1., 2.], requires_grad=True)",
    ),
    (
        lambda: torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True),
        "tensor([1., 2.], dtype=torch.float64, requires_grad=True)",
    ),
    (
        lambda: torch.tensor([1.0, 2.0], requires_grad=True) * 2,
        "tensor([2., 4.], grad_fn=<MulBackward0>)",
    ),
    (
        lambda: torch.tensor([[1.0, 2.0]], requires_grad=True).t(),
        "tensor([[1.],\n        [2.]], grad_fn=<TBackward0>)",
    ),
    (
        lambda: torch.tensor([1.0, 2.0], requires_grad=True).sum(),
        "tensor(3., grad_fn=<SumBackward0>)",
    ),
    (
        lambda: torch.tensor([1.0, 2.0], requires_grad=True).detach(),
        "tensor([1., 2.])",
    ),
    (
        lambda: torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)[0],
        "tensor([1., 2.], grad_fn=<SelectBackward0>)",
    ),
    (
        lambda: torch.arange(1001),
        "tensor([   0,    1,    2,  ...,  998,  999, 1000])",
    ),
    (
        lambda: torch.arange(2000.0),
        "tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.9970e+03, 1.9980e+03,\n        1.9990e+03])",
    ),
    (
        lambda: torch.zeros(60, 60),
        "tensor([[0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        ...,\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.]])",
    ),
    (
        lambda: torch.arange(10000).reshape(100, 100),
        "tensor([[   0,    1,    2,  ...,   97,   98,   99],\n"
        "        [ 100,  101,  102,  ...,  197,  198,  199],\n"
        "        [ 200,  201,  202,  ...,  297,  298,  299],\n"
        "        ...,\n"
        "        [9700, 9701, 9702,  ..., 9797, 9798, 9799],\n"
        "        [9800, 9801, 9802,  ..., 9897, 9898, 9899],\n"
        "        [9900, 9901, 9902,  ..., 9997, 9998, 9999]])",
    ),
    (
        lambda: torch.ones(11, 11, 11),
        "tensor([[[1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         ...,\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.]],\n"
        "\n"
        "        [[1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         ...,\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.]],\n"
        "\n"
        "        [[1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         ...,\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.]],\n"
        "\n"
        "        ...,\n"
        "\n"
        "        [[1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         ...,\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.]],\n"
        "\n"
        "        [[1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         ...,\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.]],\n"
        "\n"
        "        [[1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         ...,\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "         [1., 1., 1.,  ..., 1., 1., 1.]]])",
    ),
    (
        lambda: torch.arange(1000)[:30],
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])",
    ),
    (
        lambda: torch.arange(40.0),
        "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
        "        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,\n"
        "        28., 29., 30., 31., 32., 33., 34., 35., 36., 37., 38., 39.])",
    ),
    (
        lambda: torch.full((3,), 1 / 3),
        "tensor([0.3333, 0.3333, 0.3333])",
    ),
    (
        lambda: torch.zeros(3, dtype=torch.bool),
        "tensor([False, False, False])",
    ),
    (
        lambda: torch.ones(1, 1, 1),
        "tensor([[[1.]]])",
    ),
    (
        lambda: torch.arange(12.0).reshape(3, 4).t()[1:],
        "tensor([[ 1.,  5.,  9.],\n        [ 2.,  6., 10.],\n        [ 3.,  7., 11.]])",
    ),
    (
        lambda: torch.zeros(3).expand(2, 3),
        "tensor([[0., 0., 0.],\n        [0., 0., 0.]])",
    ),
    (
        lambda: torch.ones(1200, requires_grad=True) * 2,
        "tensor([2., 2., 2.,  ..., 2., 2., 2.], grad_fn=<MulBackward0>)",
    ),
]


@pytest.mark.parametrize("case", range(len(REPRS)))
def test_repr(case):
    make, expected = REPRS[case]
    x = make()
    assert repr(x) == expected
    assert str(x) == expected
    if x.dim() > 0:
        assert f"{x}" == expected


def test_printing_changes_nothing():
    a = leaf([1.0, 2.0])
    y = a * 2
    node, version = y.grad_fn, y._version
    repr(y)
    assert y.grad_fn is node and y._version == version
    with torch.no_grad():
        assert repr(a) == "tensor([1., 2.], requires_grad=True)"


def test_a_number_is_formatted_as_a_python_number():
    assert f"{torch.tensor(1.23456):.2f}" == "1.23"
    assert f"{torch.tensor(42):05d}" == "00042" and f"{torch.tensor(3.5)}" == "3.5"
    with pytest.raises(TypeError, match=r"unsupported format string passed to Tensor\.__format__"):
        format(torch.ones(2), ".2f")


def test_names_of_dtypes_devices_and_sizes():
    assert repr(torch.float32) == "torch.float32" and str(torch.bfloat16) == "torch.bfloat16"
    assert repr(torch.ones(1).device) == "device(type='cpu')" and str(torch.ones(1).device) == "cpu"
    assert repr(torch.ones(2, 3).shape) == "torch.Size([2, 3])"
    assert torch.ones(2, 3).size() == (2, 3) and torch.ones(2, 3).shape.numel() == 6
