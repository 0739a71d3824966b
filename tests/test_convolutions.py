# Convolutions: known numbers, shapes, both orders of derivative, transforms, and what they refuse.
"""conv1d to conv3d, their transposes, conv_tbc, and torch.nn.grad."""

import importlib
import itertools

import pytest

from tests.derivatives import check_gradients, doubles
from tests.subject import assert_close, assert_same, torch

F = torch.nn.functional
nn_grad = importlib.import_module(torch.__name__ + ".nn.grad")

# input, weight and arguments, for each number of dimensions.
FORMS = {
    "plain": ((2, 3, 5), (4, 3, 3), {}),
    "strided": ((2, 2, 7), (3, 2, 3), {"stride": 2, "padding": 2}),
    "dilated": ((1, 2, 7), (3, 2, 2), {"dilation": 3, "padding": 1}),
    "grouped": ((2, 4, 5), (6, 2, 2), {"groups": 2, "padding": 1}),
    "depthwise": ((2, 3, 6), (6, 1, 3), {"groups": 3, "padding": 1, "stride": 2}),
    "pointwise": ((2, 3, 4), (5, 3, 1), {}),
}
TRANSPOSED = {
    "plain": ((2, 3, 3), (3, 4, 3), {}),
    "strided": ((2, 3, 3), (3, 2, 3), {"stride": 3, "padding": 1, "output_padding": 2}),
    "dilated": ((1, 2, 4), (2, 3, 2), {"dilation": 3, "padding": 1, "output_padding": 1}),
    "grouped": ((2, 4, 3), (4, 3, 2), {"groups": 2, "stride": 2}),
    "pointwise, longer": ((2, 2, 3), (2, 3, 1), {"dilation": 2, "output_padding": 1}),
    "depthwise": ((2, 3, 3), (3, 1, 3), {"groups": 3, "padding": 1, "stride": 2}),
}


def spread(shape, rank):
    """The shape with its last size for each dimension, one less each time but at least 3 or itself."""
    last = shape[2]
    return (*shape[:2], *(max(min(last, 3), last - d) for d in range(rank)))


def direct(x, w, stride, padding, dilation, groups):
    """The definition, by loops over one-dimensional signals."""
    n, length = x.shape[0], x.shape[2]
    out, kernel = w.shape[0], w.shape[2]
    count = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    y = torch.zeros(n, out, count, dtype=x.dtype)
    for image, o, i, k, c in itertools.product(range(n), range(out), range(count), range(kernel), range(w.shape[1])):
        at = i * stride - padding + k * dilation
        if 0 <= at < length:
            y[image, o, i] += w[o, c, k] * x[image, o // (out // groups) * w.shape[1] + c, at]
    return y


@pytest.mark.parametrize("name", FORMS)
def test_values_are_those_of_the_definition(name):
    shape, weight, options = FORMS[name]
    x, w = doubles(*shape).detach(), doubles(*weight, seed=1).detach()
    numbers = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **options}
    assert_close(F.conv1d(x, w, **options), direct(x, w, **numbers), rtol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", FORMS)
def test_gradients_in_both_orders(name, rank):
    shape, weight, options = FORMS[name]
    convolve = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    x, w, b = doubles(*spread(shape, rank)), doubles(*spread(weight, rank), seed=1), doubles(weight[0], seed=2)
    check_gradients(lambda x, w, b: convolve(x, w, b, **options).sin(), x, w, b)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", TRANSPOSED)
def test_gradients_of_transposes_in_both_orders(name, rank):
    shape, weight, options = TRANSPOSED[name]
    convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
    channels = weight[1] * options.get("groups", 1)
    x, w, b = doubles(*spread(shape, rank)), doubles(*spread(weight, rank), seed=1), doubles(channels, seed=2)
    check_gradients(lambda x, w, b: convolve(x, w, b, **options).sin(), x, w, b)


@pytest.mark.parametrize("name", FORMS)
def test_the_transpose_is_the_adjoint(name):
    shape, weight, options = FORMS[name]
    x, w = doubles(*spread(shape, 2)).detach(), doubles(*spread(weight, 2), seed=1).detach()
    y = F.conv2d(x, w, **options)
    g = doubles(*y.shape, seed=2).detach()
    back = nn_grad.conv2d_input(x.shape, w, g, **options)
    assert_close((y * g).sum(), (x * back).sum(), rtol=1e-11)
    assert_close((nn_grad.conv2d_weight(x, w.shape, g, **options) * w).sum(), (y * g).sum(), rtol=1e-11)


def test_large_images_take_blocks_with_the_same_values():
    x, w = torch.randn(2, 40, 70, 70, dtype=torch.float64), torch.randn(8, 40, 3, 3, dtype=torch.float64)
    y = F.conv2d(x, w, padding=1)
    taps = [
        F.conv2d(F.pad(x, (1, 1, 1, 1))[:, :, i : i + 70, j : j + 70], w[:, :, i : i + 1, j : j + 1])
        for i in range(3)
        for j in range(3)
    ]
    assert_close(y, sum(taps), rtol=1e-10, atol=1e-10)
    x.requires_grad_(), w.requires_grad_()
    g = torch.randn(2, 8, 70, 70, dtype=torch.float64)
    F.conv2d(x, w, padding=1).backward(g)
    assert_close((x.grad * x).sum(), (y * g).sum(), rtol=1e-8)
    assert_close((w.grad * w).sum(), (y * g).sum(), rtol=1e-8)


def test_known_numbers():
    x = torch.arange(1.0, 6.0).reshape(1, 1, 5)
    w = torch.tensor([[[1.0, 0.0, -1.0]]])
    assert_same(F.conv1d(x, w), [[[-2.0, -2.0, -2.0]]])
    assert_same(F.conv1d(x, w, torch.tensor([10.0]), stride=2, padding=1), [[[8.0, 8.0, 14.0]]])
    assert_same(F.conv_transpose1d(x[..., :2], w, stride=2), [[[1.0, 0.0, 1.0, 0.0, -2.0]]])
    assert_same(torch.conv1d(x, w, padding="same"), [[[-2.0, -2.0, -2.0, -2.0, 4.0]]])
    assert_same(torch.conv1d(x, w, padding="valid"), torch.conv1d(x, w))
    assert_same(F.conv1d(x.long(), w.long()), [[[-2, -2, -2]]])


def test_same_padding_keeps_sizes_and_pads_the_far_side_of_even_kernels():
    x = torch.arange(1.0, 5.0).reshape(1, 1, 4)
    with pytest.warns(UserWarning, match="Using padding='same' with even kernel lengths and odd dilation"):
        out = F.conv1d(x, torch.tensor([[[1.0, 10.0]]]), padding="same")
    assert_same(out, [[[21.0, 32.0, 43.0, 4.0]]])
    assert F.conv2d(torch.ones(2, 3, 5, 6), torch.ones(4, 3, 3, 5), padding="same", dilation=2).shape == (2, 4, 5, 6)
    with pytest.raises(RuntimeError, match="padding='same' is not supported for strided convolutions"):
        F.conv1d(x, torch.ones(1, 1, 3), padding="same", stride=2)
    with pytest.raises(RuntimeError, match="Invalid padding string"):
        F.conv1d(x, torch.ones(1, 1, 3), padding="full")


def test_one_example_is_a_batch_of_one():
    x, w = doubles(3, 5, 5), doubles(2, 3, 3, 3, seed=1)
    assert_same(F.conv2d(x, w), F.conv2d(x.unsqueeze(0), w)[0])
    assert type(F.conv2d(x, w).grad_fn.next_functions[0][0]).__name__ == "ConvolutionBackward0"
    assert_same(F.conv_transpose2d(x, w.transpose(0, 1)), F.conv_transpose2d(x.unsqueeze(0), w.transpose(0, 1))[0])


@pytest.mark.parametrize("shape", [(0, 3, 5, 5), (2, 0, 5, 5)])
def test_nothing_in_zeros_out(shape):
    x, w = torch.ones(*shape, requires_grad=True), torch.ones(4, shape[1], 3, 3, requires_grad=True)
    out = F.conv2d(x, w)
    assert out.shape[0] == shape[0] and not out.any()
    out.sum().backward()
    assert x.grad.shape == x.shape and w.grad.shape == w.shape and not w.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_computed_in_float32(dtype):
    x, w, b = torch.randn(2, 3, 6, 6).to(dtype), torch.randn(4, 3, 3, 3).to(dtype), torch.randn(4).to(dtype)
    assert_close(F.conv2d(x, w, b), F.conv2d(x.float(), w.float(), b.float()).to(dtype), rtol=1e-2, atol=1e-2)
    assert F.conv2d(x, w, b).dtype is dtype


def test_complex_numbers():
    x = torch.complex(doubles(2, 3, 5).detach(), doubles(2, 3, 5, seed=1).detach())
    w = torch.complex(doubles(4, 3, 2, seed=2).detach(), doubles(4, 3, 2, seed=3).detach())
    out = F.conv1d(x, w)
    assert_close(out.real, F.conv1d(x.real, w.real) - F.conv1d(x.imag, w.imag))
    assert_close(out.imag, F.conv1d(x.real, w.imag) + F.conv1d(x.imag, w.real))

    def parts(a, b):
        return torch.view_as_real(F.conv1d(torch.complex(a, b), torch.complex(b[:, :, :2], a[:, :, 1:3])))

    check_gradients(lambda a, b: parts(a, b).sin(), doubles(2, 2, 4), doubles(2, 2, 4, seed=1))


def test_channels_stay_last():
    x, w = torch.randn(2, 4, 6, 6), torch.randn(3, 4, 3, 3)
    last = x.to(memory_format=torch.channels_last)
    assert F.conv2d(last, w).is_contiguous(memory_format=torch.channels_last)
    assert F.conv2d(x, w.to(memory_format=torch.channels_last)).is_contiguous(memory_format=torch.channels_last)
    assert F.conv2d(x, w).is_contiguous()
    assert_close(F.conv2d(last, w), F.conv2d(x, w))


def test_sizes_are_inferred_on_meta():
    x, w = torch.empty(2, 3, 9, 9, device="meta"), torch.empty(5, 3, 3, 3, device="meta")
    out = F.conv2d(x, w, stride=2)
    assert out.shape == (2, 5, 4, 4) and out.device.type == "meta"


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dims", [(0, 0), (0, None), (None, 0)])
def test_vmap_is_example_by_example(dims, transposed):
    def function(x, w):
        convolve = F.conv_transpose1d if transposed else F.conv1d
        return convolve(x, w.transpose(0, 1) if transposed else w, stride=2, padding=1)

    def loss(x, w):
        return function(x, w).sin().sum()

    x, w = doubles(3, 2, 3, 5).detach(), doubles(3, 4, 3, 3, seed=1).detach()
    given = [one if d == 0 else one[0] for one, d in zip((x, w), dims, strict=True)]
    both = torch.func.grad(loss, argnums=(0, 1))
    found = torch.func.vmap(function, in_dims=dims)(*given)
    gradients = torch.func.vmap(both, in_dims=dims)(*given)
    for i in range(3):
        one = [a[i] if d == 0 else a for a, d in zip(given, dims, strict=True)]
        assert_close(found[i], function(*one))
        for all_of_them, expected in zip(gradients, both(*one), strict=True):
            assert_close(all_of_them[i], expected)


def test_tangents_follow_the_product_rule():
    x, w, b = (doubles(*shape, seed=k).detach() for k, shape in enumerate([(2, 3, 5), (4, 3, 3), (4,)]))
    dx, dw, db = (doubles(*one.shape, seed=5 + k).detach() for k, one in enumerate((x, w, b)))
    value, tangent = torch.func.jvp(F.conv1d, (x, w, b), (dx, dw, db))
    assert_close(value, F.conv1d(x, w, b))
    assert_close(tangent, F.conv1d(dx, w) + F.conv1d(x, dw, db))


def test_convolution_over_time():
    x, w, b = doubles(6, 2, 3), doubles(3, 3, 4, seed=1), doubles(4, seed=2)
    expected = F.conv1d(x.permute(1, 2, 0), w.permute(2, 1, 0), b, padding=1).permute(2, 0, 1)
    assert_close(F.conv_tbc(x, w, b, 1), expected)
    assert type(F.conv_tbc(x, w, b, 1).grad_fn).__name__ == "ConvTbcBackward0"


X, W = torch.zeros(2, 4, 8, 8), torch.zeros(6, 4, 3, 3)
REFUSED = {
    r"Given groups=1, weight of size \[6, 4, 3, 3\], expected input\[2, 3, 8, 8\] to have 4 channels, but got 3 "
    "channels instead": lambda: F.conv2d(X[:, :3], W),
    r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d, but got input of size: \[8, 8\]": (
        lambda: F.conv2d(X[0, 0], W)
    ),
    r"Calculated padded input size per channel: \(8 x 8\). Kernel size: \(9 x 9\). Kernel size can't be greater than "
    "actual input size": lambda: F.conv2d(X, torch.zeros(6, 4, 9, 9)),
    r"expected bias to be 1-dimensional with 6 elements, but got bias of size \[5\] instead": (
        lambda: F.conv2d(X, W, torch.zeros(5))
    ),
    "expected stride to be a single integer value or a list of 2 values to match the convolution dimensions, but got "
    r"stride=\[1, 2, 3\]": lambda: F.conv2d(X, W, stride=(1, 2, 3)),
    "non-positive stride is not supported": lambda: F.conv2d(X, W, stride=0),
    "negative padding is not supported": lambda: F.conv2d(X, W, padding=-1),
    "non-positive groups is not supported": lambda: F.conv2d(X, W, groups=0),
    r"Given groups=2, expected weight to be divisible by 2 at dimension 0, but got weight of size \[\[5, 2, 3, 3\]\]": (
        lambda: F.conv2d(X, torch.zeros(5, 2, 3, 3), groups=2)
    ),
    "expected scalar type Double but found Float": lambda: F.conv2d(X.double(), W),
    r"Input type \(float\) and bias type \(double\) should be the same": (
        lambda: F.conv2d(X, W, torch.zeros(6, dtype=torch.float64))
    ),
    "Given transposed=1, weight of size .* to have 6 channels, but got 4 channels instead": (
        lambda: F.conv_transpose2d(X, W)
    ),
    "output padding must be smaller than either stride or dilation": (
        lambda: F.conv_transpose2d(X, W.transpose(0, 1), output_padding=1)
    ),
    "Only zero batch or zero channel inputs are supported": lambda: F.conv2d(X[:, :, :0], W, padding=2),
}


@pytest.mark.parametrize("words", REFUSED)
def test_refusals_have_the_known_words(words):
    with pytest.raises(RuntimeError, match=words):
        REFUSED[words]()


def test_absurd_numbers_are_refused():
    for options in ({"dilation": 2**62}, {"padding": 2**62}, {"stride": 2**62}):
        with pytest.raises((RuntimeError, MemoryError)):
            F.conv2d(X, W, **options)


@pytest.mark.ours_differs("PyTorch cuts its work by threads")
@pytest.mark.parametrize("groups", [1, 8])
def test_bits_do_not_depend_on_threads(groups):
    x, w = torch.randn(3, 8, 40, 40), torch.randn(16, 8 // groups, 3, 3)
    found = []
    for threads in (1, 4):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        a, b = x.clone().requires_grad_(), w.clone().requires_grad_()
        out = F.conv2d(a, b, groups=groups, stride=2)
        out.sin().sum().backward()
        found.append((out, a.grad, b.grad))
        torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        assert_same(one, other)


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="conv2d"):
        F.conv2d(X, None)
