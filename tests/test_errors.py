"""Bad input raises PyTorch's class with PyTorch's words, and leaves nothing half-written."""

import pytest

from tests.subject import assert_same, leaf, torch

# What is called, the class of the exception, and a fragment of its message.
CASES = [
    (
        lambda: torch.ones(2) + torch.ones(3),
        RuntimeError,
        "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0",
    ),
    (
        lambda: torch.ones(2, 2) * torch.ones(3, 2),
        RuntimeError,
        "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0",
    ),
    (
        lambda: torch.where(torch.tensor([True]), torch.ones(2), torch.ones(3)),
        RuntimeError,
        "The size of tensor a (2) must match the size of tensor b (3)",
    ),
    (
        lambda: torch.ones(3).add_(torch.ones(2)),
        RuntimeError,
        "The size of tensor a (3) must match the size of tensor b (2)",
    ),
    (
        lambda: torch.ones(2).copy_(torch.ones(3)),
        RuntimeError,
        "The size of tensor a (2) must match the size of tensor b (3)",
    ),
    (
        lambda: torch.ones(2).add_(torch.ones(3, 2)),
        RuntimeError,
        "output with shape [2] doesn't match the broadcast shape [3, 2]",
    ),
    (
        lambda: torch.ones(2, 3).expand(3, 3),
        RuntimeError,
        "The expanded size of the tensor (3) must match the existing size (2)",
    ),
    (
        lambda: torch.ones(2, 3).expand(3),
        RuntimeError,
        "must be greater or equal to the number of dimensions in the tensor (2)",
    ),
    (
        lambda: torch.ones(2, 3) @ torch.ones(2, 3),
        RuntimeError,
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
    ),
    (lambda: torch.mm(torch.ones(2), torch.ones(2, 3)), RuntimeError, "must be a matrix"),
    (
        lambda: torch.bmm(torch.ones(2, 3, 4), torch.ones(3, 4, 5)),
        RuntimeError,
        "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [3, 4].",
    ),
    (lambda: torch.mv(torch.ones(2, 3), torch.ones(2)), RuntimeError, "size mismatch, got"),
    (lambda: torch.dot(torch.ones(2), torch.ones(3)), RuntimeError, "inconsistent tensor size"),
    (lambda: torch.dot(torch.ones(2, 2), torch.ones(2)), RuntimeError, "1D tensors expected"),
    (
        lambda: torch.matmul(torch.tensor(1.0), torch.ones(2)),
        RuntimeError,
        "both arguments to matmul need to be at least 1D",
    ),
    (
        lambda: torch.mm(torch.ones(2, 2), torch.ones(2, 2, dtype=torch.float64)),
        RuntimeError,
        "to have the same dtype, but got: float != double",
    ),
    (lambda: torch.ones(3)[3], IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
    (
        lambda: torch.ones(3)[-4],
        IndexError,
        "index -4 is out of bounds for dimension 0 with size 3",
    ),
    (lambda: torch.ones(3)[0, 0], IndexError, "too many indices for tensor of dimension 1"),
    (lambda: torch.tensor(1.0)[0], IndexError, "invalid index of a 0-dim tensor."),
    (lambda: torch.ones(3)[1.0], IndexError, "only integers, slices (`:`), ellipsis (`...`), None"),
    (lambda: torch.ones(3)[::-1], ValueError, "step must be greater than zero"),
    (
        lambda: torch.ones(3)[torch.tensor([5])],
        IndexError,
        "index 5 is out of bounds for dimension 0 with size 3",
    ),
    (
        lambda: torch.ones(3).__setitem__(5, 1.0),
        IndexError,
        "index 5 is out of bounds for dimension 0 with size 3",
    ),
    (
        lambda: torch.ones(3).__setitem__(slice(0, 2), torch.ones(3)),
        RuntimeError,
        "The expanded size of the tensor (2) must match the existing size (3)",
    ),
    (
        lambda: torch.ones(2, 3).sum(2),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    ),
    (
        lambda: torch.ones(2, 3).sum(-3),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got -3)",
    ),
    (
        lambda: torch.ones(2, 3).sum((0, 0)),
        RuntimeError,
        "dim 0 appears multiple times in the list of dims",
    ),
    (
        lambda: torch.ones(2, 3).transpose(0, 2),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    ),
    (lambda: torch.ones(2, 3).permute(0, 0), RuntimeError, "duplicate dims are not allowed"),
    (
        lambda: torch.ones(2, 3).permute(0),
        RuntimeError,
        "does not match the length of the desired ordering of dimensions",
    ),
    (
        lambda: torch.ones(2, 3, 4).t(),
        RuntimeError,
        "t() expects a tensor with <= 2 dimensions, but self is 3D",
    ),
    (
        lambda: torch.ones(4).select(0, 4),
        IndexError,
        "index 4 out of range for tensor of size [4] at dimension 0",
    ),
    (
        lambda: torch.ones(4).squeeze(1),
        IndexError,
        "Dimension out of range (expected to be in range of [-1, 0], but got 1)",
    ),
    (
        lambda: torch.ones(4).unsqueeze(3),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 3)",
    ),
    (
        lambda: torch.ones(2, 3).unbind(3),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 3)",
    ),
    (
        lambda: torch.ones(2).softmax(1),
        IndexError,
        "Dimension out of range (expected to be in range of [-1, 0], but got 1)",
    ),
    (
        lambda: torch.ones(2).log_softmax(5),
        IndexError,
        "Dimension out of range (expected to be in range of [-1, 0], but got 5)",
    ),
    (
        lambda: torch.cat([torch.ones(2)], dim=1),
        IndexError,
        "Dimension out of range (expected to be in range of [-1, 0], but got 1)",
    ),
    (lambda: torch.ones(2, 3).view(4), RuntimeError, "shape '[4]' is invalid for input of size 6"),
    (
        lambda: torch.ones(2, 3).reshape(4),
        RuntimeError,
        "shape '[4]' is invalid for input of size 6",
    ),
    (
        lambda: torch.ones(2, 3).view(-1, 4),
        RuntimeError,
        "shape '[-1, 4]' is invalid for input of size 6",
    ),
    (lambda: torch.ones(2, 3).view(-1, -1), RuntimeError, "only one dimension can be inferred"),
    (
        lambda: torch.ones(2, 3).t().view(6),
        RuntimeError,
        "view size is not compatible with input tensor's size and stride",
    ),
    (
        lambda: torch.ones(0).view(-1, 0),
        RuntimeError,
        "cannot reshape tensor of 0 elements into shape [-1, 0]",
    ),
    (
        lambda: torch.ones(2).as_strided((4,), (1,)),
        RuntimeError,
        "are out of bounds for storage of size 8",
    ),
    (
        lambda: torch.ones(2).as_strided((2,), (-1,)),
        RuntimeError,
        "Negative strides are not supported",
    ),
    (
        lambda: torch.ones(2).as_strided((2,), (1, 1)),
        RuntimeError,
        "mismatch in length of strides and shape",
    ),
    (
        lambda: torch.ones(4).narrow(0, 3, 2),
        RuntimeError,
        "start (3) + length (2) exceeds dimension size (4).",
    ),
    (
        lambda: torch.ones(4).split(0),
        RuntimeError,
        "split_size can only be 0 if dimension size is 0",
    ),
    (lambda: torch.ones(4).split(-1), RuntimeError, "split_size be non-negative"),
    (
        lambda: torch.ones(4).split([1, 2]),
        RuntimeError,
        "split_with_sizes expects split_sizes to sum exactly to 4",
    ),
    (lambda: torch.ones(4).chunk(0), RuntimeError, "chunk expects `chunks` to be greater than 0"),
    (lambda: torch.cat([]), ValueError, "expected a non-empty list of Tensors"),
    (
        lambda: torch.cat([torch.ones(2), torch.ones(2, 2)]),
        RuntimeError,
        "Tensors must have same number of dimensions: got 1 and 2",
    ),
    (
        lambda: torch.cat([torch.ones(2, 3), torch.ones(3, 2)]),
        RuntimeError,
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2",
    ),
    (
        lambda: torch.stack([torch.ones(2), torch.ones(3)]),
        RuntimeError,
        "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1",
    ),
    (lambda: torch.stack([]), RuntimeError, "stack expects a non-empty TensorList"),
    (
        lambda: torch.ones(4).index_select(0, torch.tensor([4])),
        IndexError,
        "index out of range in self",
    ),
    (
        lambda: torch.ones(4).index_select(0, torch.tensor([0.0])),
        RuntimeError,
        "Expected dtype int32 or int64 for index",
    ),
    (
        lambda: torch.ones(4).gather(0, torch.tensor([4])),
        RuntimeError,
        "index 4 is out of bounds for dimension 0 with size 4",
    ),
    (
        lambda: torch.ones(4).gather(0, torch.tensor([[1]])),
        RuntimeError,
        "Index tensor must have the same number of dimensions as input tensor",
    ),
    (
        lambda: torch.zeros(4).scatter_add(0, torch.tensor([5]), torch.ones(1)),
        RuntimeError,
        "index 5 is out of bounds for dimension 0 with size 4",
    ),
    (lambda: torch.ones(0).max(0), IndexError, "Expected reduction dim 0 to have non-zero size."),
    (
        lambda: torch.ones(0).argmax(),
        IndexError,
        "Expected reduction dim to be specified for input.numel() == 0.",
    ),
    (lambda: torch.tensor([1]) // torch.tensor([0]), RuntimeError, "ZeroDivisionError"),
    (lambda: torch.tensor([1]) % 0, RuntimeError, "ZeroDivisionError"),
    (
        lambda: torch.tensor([1, 2]) ** -1,
        RuntimeError,
        "Integers to negative integer powers are not allowed.",
    ),
    (lambda: torch.tensor([1j]) > 1, NotImplementedError, "not implemented for 'ComplexFloat'"),
    (
        lambda: torch.maximum(torch.tensor([1j]), torch.tensor([1j])),
        RuntimeError,
        "not implemented for complex",
    ),
    (lambda: torch.tensor([1j]).floor(), NotImplementedError, "not supported for complex"),
    (lambda: torch.tensor([1, 2]).mean(), RuntimeError, "could not infer output dtype"),
    (
        lambda: torch.tensor([True]) - torch.tensor([True]),
        RuntimeError,
        "Subtraction, the `-` operator, with two bool tensors is not supported.",
    ),
    (
        lambda: -torch.tensor([True]),
        RuntimeError,
        "Negation, the `-` operator, on a bool tensor is not supported.",
    ),
    (
        lambda: torch.where(torch.ones(2), torch.ones(2), torch.ones(2)),
        RuntimeError,
        "where expected condition to be a boolean tensor, but got a tensor with dtype Float",
    ),
    (
        lambda: torch.clamp(torch.ones(2)),
        RuntimeError,
        "At least one of 'min' or 'max' must not be None",
    ),
    (lambda: torch.tensor([1, 2]).softmax(0), NotImplementedError, "not implemented for 'Long'"),
    (lambda: torch.ones(2).imag, RuntimeError, "imag is not implemented"),
    (
        lambda: torch.add(torch.ones(2), 1, out=torch.ones(2, dtype=torch.int64)),
        RuntimeError,
        "result type Float can't be cast to the desired output type Long",
    ),
    (
        lambda: torch.tensor([1, 2]).add_(1.5),
        RuntimeError,
        "result type Float can't be cast to the desired output type Long",
    ),
    (
        lambda: torch.ones(1).expand(3).add_(1),
        RuntimeError,
        "more than one element of the written-to tensor refers to a single memory location",
    ),
    (
        lambda: torch.ones(2).fill_(torch.ones(2)),
        RuntimeError,
        "fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions.",
    ),
    (lambda: torch.zeros(-1), RuntimeError, "imension"),
    (lambda: torch.eye(-1), RuntimeError, "n must be greater or equal to 0, got -1"),
    (lambda: torch.randperm(-1), RuntimeError, "-1"),
    (lambda: torch.arange(0, 1, 0), RuntimeError, "step must be nonzero"),
    (
        lambda: torch.arange(1, 0, 1),
        RuntimeError,
        "upper bound and lower bound inconsistent with step sign",
    ),
    (lambda: torch.arange(0, float("inf")), RuntimeError, "unsupported range"),
    (lambda: torch.randint(5, 5, (2,)), RuntimeError, "but got from=5 >= to=5"),
    (lambda: torch.rand(2, dtype=torch.int64), NotImplementedError, "not implemented for 'Long'"),
    (lambda: torch.randn(2, dtype=torch.int64), NotImplementedError, "not implemented for 'Long'"),
    (
        lambda: torch.tensor([[1, 2], [3]]),
        ValueError,
        "expected sequence of length 2 at dim 1 (got 1)",
    ),
    (lambda: torch.tensor([None]), RuntimeError, "Could not infer dtype of NoneType"),
    (lambda: torch.tensor(object()), RuntimeError, "Could not infer dtype of object"),
    (
        lambda: torch.tensor([300], dtype=torch.uint8),
        RuntimeError,
        "value cannot be converted to type uint8 without overflow",
    ),
    (lambda: torch.tensor("a"), TypeError, "invalid data type 'str'"),
    (
        lambda: torch.tensor([1], dtype="float32"),
        TypeError,
        "argument 'dtype' must be torch.dtype, not str",
    ),
    (lambda: torch.exp([1.0]), TypeError, "argument 'input' (position 1) must be Tensor, not list"),
    (lambda: torch.exp("a"), TypeError, "argument 'input' (position 1) must be Tensor, not str"),
    (lambda: torch.exp(), TypeError, "missing 1 required positional argument"),
    (
        lambda: torch.exp(torch.ones(1), torch.ones(1)),
        TypeError,
        "exp() takes 1 positional argument but 2 were given",
    ),
    (lambda: torch.ones(2, foo=1), TypeError, "got an unexpected keyword argument 'foo'"),
    (
        lambda: torch.add(torch.ones(2), torch.ones(2), beta=2),
        TypeError,
        "got an unexpected keyword argument 'beta'",
    ),
    (lambda: torch.ones(2).sum(foo=1), TypeError, "foo"),
    (
        lambda: torch.ones("a"),
        TypeError,
        "argument 'size' (position 1) must be tuple of ints, not str",
    ),
    (
        lambda: torch.full((2,), "a"),
        TypeError,
        "argument 'fill_value' (position 2) must be Number, not str",
    ),
    (
        lambda: torch.ones(2) + "a",
        TypeError,
        "unsupported operand type(s) for +: 'Tensor' and 'str'",
    ),
    (
        lambda: torch.ones(2) + None,
        TypeError,
        "unsupported operand type(s) for +: 'Tensor' and 'NoneType'",
    ),
    (lambda: torch.ones(2) @ 3, TypeError, "unsupported operand type(s) for @: 'Tensor' and 'int'"),
    (lambda: torch.ones(2).nosuch, AttributeError, "'Tensor' object has no attribute 'nosuch'"),
    (
        lambda: torch.ones(2).item(),
        RuntimeError,
        "a Tensor with 2 elements cannot be converted to Scalar",
    ),
    (
        lambda: torch.ones(0).item(),
        RuntimeError,
        "a Tensor with 0 elements cannot be converted to Scalar",
    ),
    (
        lambda: bool(torch.ones(2)),
        RuntimeError,
        "Boolean value of Tensor with more than one value is ambiguous",
    ),
    (
        lambda: bool(torch.ones(0)),
        RuntimeError,
        "Boolean value of Tensor with no values is ambiguous",
    ),
    (lambda: len(torch.tensor(1.0)), TypeError, "len() of a 0-d tensor"),
    (lambda: list(torch.tensor(1.0)), TypeError, "iteration over a 0-d tensor"),
    (
        lambda: torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 3])),
        IndexError,
        "Target 3 is out of bounds.",
    ),
    (
        lambda: torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 1, 2])),
        ValueError,
        "Expected input batch_size (2) to match target batch_size (3).",
    ),
    (
        lambda: torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 5)),
        RuntimeError,
        "shapes cannot be multiplied (2x3 and 5x4)",
    ),
    (
        lambda: torch.nn.functional.gelu(torch.ones(1), approximate="x"),
        RuntimeError,
        "approximate argument must be either none or tanh.",
    ),
    (lambda: torch.zeros(2**62), RuntimeError, "4611686018427387904"),
    (lambda: torch.zeros(2**40, 2**40), RuntimeError, "1099511627776"),
    (lambda: torch.empty(10**15), RuntimeError, "4000000000000000"),
    (lambda: torch.ones(2).expand(2**62, 2).contiguous(), RuntimeError, ""),
    (lambda: torch.ones(2).to("nowhere"), RuntimeError, "nowhere"),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_bad_input_raises_the_right_class_and_says_why(case):
    call, error, fragment = CASES[case]
    with pytest.raises(error) as caught:
        call()
    assert caught.type is error or (error is RuntimeError and issubclass(caught.type, error))
    assert fragment in str(caught.value)


def test_an_unknown_name_of_the_module_raises():
    with pytest.raises(AttributeError, match="no attribute 'nosuch'|nosuch"):
        torch.nosuch  # Reading it is what raises.


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64"])
def test_the_smallest_integer_over_minus_one_wraps(dtype):
    dtype = getattr(torch, dtype)
    smallest = -(2 ** (8 * torch.zeros(1, dtype=dtype).element_size() - 1))
    x, minus_one = torch.tensor([smallest], dtype=dtype), torch.tensor([-1], dtype=dtype)
    assert_same([x // minus_one, x // -1, x % minus_one], [[smallest], [smallest], [0]])
    assert_same([-x, x.abs()], [[smallest], [smallest]])


def test_shift_counts_out_of_range_have_a_result():
    one, minus_one = torch.tensor([1]), torch.tensor([-1])
    for count in (64, 100, -1):
        assert_same(one << torch.tensor([count]), [0])
    assert_same([one >> 64, minus_one >> 64, minus_one >> 100], [[0], [-1], [-1]])
    small = torch.tensor([1], dtype=torch.int8)
    assert_same([small << 7, small << 8], [[-128], [0]])


@pytest.mark.parametrize("size", [(2**62,), (2**40, 2**40), (10**15,), (2**63 - 1,)])
def test_an_absurd_size_is_a_runtime_error_for_every_creation(size):
    for create in (torch.zeros, torch.ones, torch.empty, torch.rand, torch.randn):
        with pytest.raises(RuntimeError):
            create(*size)
    assert_same(torch.ones(2), [1.0, 1.0])


def test_a_size_beyond_64_bits_raises():
    with pytest.raises((RuntimeError, TypeError, ValueError, OverflowError)):
        torch.zeros(2**64)


def test_an_absurd_result_is_a_runtime_error():
    x = torch.ones(1)
    with pytest.raises(RuntimeError):
        x.expand(2**61, 1) + 1
    with pytest.raises(RuntimeError):
        torch.cat([x.expand(2**50, 1), x.expand(2**50, 1)])
    assert_same(x + 1, [2.0])


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.add_(torch.ones(3)),
        lambda x: x.mul_("a"),
        lambda x: x.copy_(torch.ones(5)),
        lambda x: x.__setitem__(9, 1.0),
        lambda x: x.__setitem__(slice(None), torch.ones(3)),
        lambda x: torch.mul(x, torch.ones(3), out=x),
        lambda x: x.floor_divide_(torch.zeros(2, dtype=torch.int64)),
    ],
)
def test_a_refused_write_changes_neither_values_nor_version(write):
    x = torch.tensor([4, 6])
    with pytest.raises((RuntimeError, TypeError, IndexError)):
        write(x)
    assert_same(x, [4, 6])
    assert x._version == 0


def test_overlapping_outputs_are_refused():
    base = torch.arange(6.0)
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        torch.add(base[:-1], 1, out=base[1:])
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        base[1:].add_(base[:-1])
    with pytest.raises(RuntimeError, match="refers to a single memory location"):
        torch.exp(torch.ones(4), out=torch.ones(1).expand(4))
    assert_same(base, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])


def test_an_error_in_forward_leaves_the_graph_of_its_inputs_alone():
    a = leaf([1.0, 2.0])
    y = a * 2
    with pytest.raises(RuntimeError, match="must match the size"):
        y + torch.ones(3)
    y.sum().backward()
    assert_same(a.grad, [2.0, 2.0])


def test_an_operand_may_decide_what_an_unknown_operator_means():
    class Other:
        def __radd__(self, left):
            return "added"

    assert torch.ones(2) + Other() == "added"
