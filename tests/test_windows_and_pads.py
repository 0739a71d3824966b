"""Pools, pads, resampling, embeddings and attention: both orders of derivative, transforms, known numbers, refusals."""

import pytest

from tests.derivatives import check_gradients, doubles
from tests.subject import assert_close, assert_same, torch

F = torch.nn.functional

IMAGES = {
    "avg_pool2d": lambda x: F.avg_pool2d(x, (2, 3), (1, 2), (1, 1), ceil_mode=True),
    "avg_pool2d without padding": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (3, 2)),
    "max_pool2d": lambda x: F.max_pool2d(x, 3, 1, 1),
    "max_pool2d with dilation": lambda x: F.max_pool2d(x, 2, 1, 1, dilation=2),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, (3, 2)),
    "reflect": lambda x: F.pad(x, (2, 1, 1, 2), mode="reflect"),
    "replicate": lambda x: F.pad(x, (2, 1, -1, 2), mode="replicate"),
    "circular": lambda x: F.pad(x, (2, 1, 1, 2), mode="circular"),
    "constant": lambda x: F.pad(x, (2, -1, 1, 2, 0, 1), value=3.0),
    "nearest": lambda x: F.interpolate(x, (7, 3), mode="nearest"),
    "bilinear": lambda x: F.interpolate(x, (7, 3), mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x, scale_factor=1.5, mode="bicubic", align_corners=True),
    "unfold": lambda x: F.unfold(x, (2, 3), 1, 1, 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x[..., :4], 2),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2),
}


@pytest.mark.parametrize("name", IMAGES)
def test_gradients_of_images_in_both_orders(name):
    check_gradients(lambda x: IMAGES[name](x).sin(), doubles(2, 2, 4, 5))


@pytest.mark.parametrize("name", ["avg_pool2d", "reflect", "constant", "bilinear"])
def test_maps_run_inside_vmap_and_jvp(name):
    function, x, t = IMAGES[name], doubles(3, 2, 2, 4, 5).detach(), doubles(3, 2, 2, 4, 5, seed=1).detach()
    assert_close(torch.func.vmap(function)(x), torch.stack([function(x[i]) for i in range(3)]))
    value, tangent = torch.func.jvp(function, (x[0],), (t[0],))
    assert_close(value, function(x[0]))
    assert_close(tangent, function(t[0]) - function(0 * t[0]), rtol=1e-6)


def test_known_numbers():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    values, places = F.max_pool2d(x, 2, return_indices=True)
    assert_same(values, [[[[5.0, 7.0], [13.0, 15.0]]]])
    assert_same(places, [[[[5, 7], [13, 15]]]])
    assert_same(F.max_unpool2d(values, places, 2).sum(), 40.0)
    assert_same(F.avg_pool2d(x, 2), [[[[2.5, 4.5], [10.5, 12.5]]]])
    assert_same(F.pad(x[0, 0, :1, :3], (2, 2), mode="reflect"), [[2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]])
    assert_same(F.pad(torch.arange(3).reshape(1, 3), (1, 2), mode="circular"), [[2, 0, 1, 2, 0, 1]])
    line = torch.tensor([[[0.0, 4.0]]])
    assert_same(F.interpolate(line, 4, mode="linear"), [[[0.0, 1.0, 3.0, 4.0]]])
    assert_same(F.fold(torch.ones(1, 4, 4), (3, 3), 2), [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]])


def test_nan_is_the_largest():
    x = torch.tensor([[[1.0, float("nan"), 3.0, 2.0]]])
    assert_same(F.max_pool1d(x, 2), [[[float("nan"), 3.0]]])


def test_nodes_have_pytorch_names():
    x = doubles(1, 4, 4, 4)
    names = {
        "AvgPool2DBackward0": F.avg_pool2d(x, 2),
        "MaxPool2DWithIndicesBackward0": F.max_pool2d(x, 2),
        "ReflectionPad2DBackward0": F.pad(x, (1, 1, 1, 1), mode="reflect"),
        "ConstantPadNdBackward0": F.pad(x, (1, 1)),
        "UpsampleNearestExact2DBackward0": F.interpolate(x, 8, mode="nearest-exact"),
        "Im2ColBackward0": F.unfold(x, 2),
        "PixelShuffleBackward0": F.pixel_shuffle(x, 2),
    }
    assert {name: out.grad_fn.name() for name, out in names.items()} == {name: name for name in names}


def test_embedding_gradients_add_up_but_for_the_padding_row():
    weight, index = doubles(5, 3), torch.tensor([[0, 2, 2], [1, 0, 4]])
    check_gradients(lambda w: F.embedding(index, w).sin(), weight)
    (g,) = torch.autograd.grad(F.embedding(index, weight, padding_idx=2).sum(), weight)
    assert_same(g[:, 0], [2.0, 1.0, 0.0, 0.0, 1.0])
    (g,) = torch.autograd.grad(F.embedding(index, weight, scale_grad_by_freq=True).sum(), weight)
    assert_same(g[:, 0], [1.0, 1.0, 1.0, 0.0, 1.0])


def test_embedding_shortens_rows_in_place():
    weight = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    assert_close(F.embedding(torch.tensor([0, 1]), weight, max_norm=1.0), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-5)
    assert_close(weight, [[0.6, 0.8], [0.3, 0.4]], rtol=1e-5)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags(mode):
    weight = doubles(5, 3)
    index, offsets = torch.tensor([0, 2, 1, 4]), torch.tensor([0, 2, 2])
    out = F.embedding_bag(index, weight, offsets, mode=mode)
    rows = weight.detach()[index]
    reduce = {"sum": lambda x: x.sum(0), "mean": lambda x: x.mean(0), "max": lambda x: x.max(0).values}[mode]
    assert_close(out, torch.stack([reduce(rows[:2]), torch.zeros(3).double(), reduce(rows[2:])]))
    check_gradients(lambda w: F.embedding_bag(index, w, offsets, mode=mode).sin(), weight)


def test_attention_is_softmax_of_products():
    q, k, v = doubles(2, 3, 4, seed=1), doubles(2, 5, 4, seed=2), doubles(2, 5, 4, seed=3)
    expected = (q @ k.transpose(-2, -1) / 2).softmax(-1) @ v
    assert_close(F.scaled_dot_product_attention(q, k, v), expected, rtol=1e-9)
    check_gradients(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), q, k, v)
    nothing = torch.zeros(3, 5, dtype=torch.bool)
    assert_same(F.scaled_dot_product_attention(q, k, v, nothing), torch.zeros(2, 3, 4))


REFUSED = [
    (lambda: F.pad(torch.ones(3), (1,)), RuntimeError, "Padding length must be divisible by 2"),
    (lambda: F.pad(torch.ones(1, 3), (3, 0), mode="reflect"), RuntimeError, "Padding size should be less"),
    (lambda: F.avg_pool2d(torch.ones(1, 2, 2), 3), RuntimeError, "Output size is too small"),
    (lambda: F.max_pool2d(torch.ones(1, 4, 4), 2, padding=2), RuntimeError, "at most half of effective kernel size"),
    (lambda: F.pixel_shuffle(torch.ones(1, 3, 2, 2), 2), RuntimeError, "divisible by the square"),
    (lambda: F.interpolate(torch.ones(1, 1, 2)), ValueError, "either size or scale_factor"),
    (lambda: F.embedding(torch.tensor([5]), torch.ones(2, 2)), IndexError, "index out of range in self"),
    (lambda: F.one_hot(torch.tensor([3]), 2), RuntimeError, "must be smaller than num_classes"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED)
def test_bad_calls_are_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_a_sparse_gradient_is_dense_with_a_warning():
    weight = torch.ones(2, 2, requires_grad=True)
    with pytest.warns(UserWarning, match="which is dense here"):
        F.embedding(torch.tensor([1]), weight, sparse=True).sum().backward()
    assert weight.grad.tolist() == [[0.0, 0.0], [1.0, 1.0]]


LAST = {
    "max_pool2d": lambda x: F.max_pool2d(x, 3, 2, 1),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 2, 1, 1),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (3, 2)),
    "bilinear": lambda x: F.interpolate(x, (7, 3), mode="bilinear"),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
}


@pytest.mark.parametrize("name", LAST)
@pytest.mark.parametrize("part", [slice(None), slice(1, None, 2)])
def test_channels_that_lie_together_change_no_number(name, part):
    x = doubles(2, 4, 5, 6).detach()
    rows = x.clone()[:, :, part].requires_grad_()
    last = x.to(memory_format=torch.channels_last)[:, :, part].detach().requires_grad_()
    found, expected = LAST[name](last), LAST[name](rows)
    assert_close(found, expected)
    if found.shape[2] > 1:
        assert found.is_contiguous(memory_format=torch.channels_last)
    g = doubles(*found.shape, seed=1).detach()
    for weights in (g, g.to(memory_format=torch.channels_last)):
        (one,) = torch.autograd.grad(LAST[name](last), last, weights)
        (other,) = torch.autograd.grad(LAST[name](rows), rows, g)
        assert_close(one, other)


def test_windows_that_share_their_largest_element_add_up():
    x = torch.zeros(1, 1, 3, 3)
    x[0, 0, 1, 1] = 1.0
    x.requires_grad_()
    F.max_pool2d(x, 2, 1).sum().backward()
    assert_same(x.grad, [[[[0.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.0]]]])
