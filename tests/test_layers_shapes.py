"""Layers give the shapes, the numbers and the refusals that programs rely on."""

import copy
import warnings

import pytest

import tapeless as torch
from tapeless import nn
from tapeless.nn import functional as F

CHANGES = [
    (nn.Conv1d(4, 6, 3, stride=2), (2, 4, 9), (2, 6, 4)),
    (nn.Conv2d(4, 6, (3, 5), padding="same"), (2, 4, 9, 8), (2, 6, 9, 8)),
    (nn.Conv2d(4, 6, 3, padding="valid", groups=2), (4, 9, 8), (6, 7, 6)),
    (nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4), (1, 3, 3, 3, 3)),
    (nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1), (2, 4, 5, 5), (2, 6, 12, 12)),
    (nn.MaxPool2d(2), (2, 3, 8, 6), (2, 3, 4, 3)),
    (nn.AvgPool1d(3, stride=1), (2, 3, 8), (2, 3, 6)),
    (nn.AdaptiveAvgPool2d((3, None)), (2, 3, 8, 6), (2, 3, 3, 6)),
    (nn.LPPool2d(2, 2), (2, 3, 8, 6), (2, 3, 4, 3)),
    (nn.FractionalMaxPool2d(2, output_size=3), (2, 3, 8, 6), (2, 3, 3, 3)),
    (nn.Embedding(9, 5), None, (3, 4, 5)),
    (nn.Flatten(), (2, 3, 4), (2, 12)),
    (nn.Unflatten(1, (3, -1)), (2, 12), (2, 3, 4)),
    (nn.Unfold(2), (2, 3, 4, 4), (2, 12, 9)),
    (nn.Fold(4, 2), (2, 12, 9), (2, 3, 4, 4)),
    (nn.PixelShuffle(2), (2, 8, 3, 3), (2, 2, 6, 6)),
    (nn.PixelUnshuffle(2), (2, 2, 6, 6), (2, 8, 3, 3)),
    (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 3, 4, 5), (2, 3, 8, 10)),
    (nn.ZeroPad2d((1, 2, 3, 4)), (2, 3, 4, 5), (2, 3, 11, 8)),
    (nn.CircularPad1d(2), (2, 3, 4), (2, 3, 8)),
    (nn.GLU(1), (2, 4, 3), (2, 2, 3)),
]


@pytest.mark.parametrize(("layer", "given", "wanted"), CHANGES)
def test_shapes_change_as_in_pytorch(layer, given, wanted):
    x = torch.randint(0, 9, (3, 4)) if given is None else torch.randn(given)
    assert tuple(layer(x).shape) == wanted


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes_are_a_pad_before_the_convolution(mode):
    layer = nn.Conv2d(2, 3, 3, padding=(2, 1), padding_mode=mode)
    x = torch.randn(1, 2, 5, 6)
    padded = F.pad(x, (1, 1, 2, 2), mode=mode)
    torch.testing.assert_close(layer(x), F.conv2d(padded, layer.weight, layer.bias))


def test_an_output_size_decides_between_the_possible_ones():
    layer = nn.ConvTranspose1d(2, 3, 3, stride=3)
    x = torch.randn(1, 2, 4)
    assert [layer(x, output_size=[size]).shape[2] for size in (12, 13, 14)] == [12, 13, 14]
    with pytest.raises(ValueError, match="valid sizes range from"):
        layer(x, output_size=[15])


def test_a_transposed_convolution_is_the_derivative_of_the_convolution():
    weight = torch.randn(3, 2, 3, 3)
    x = torch.randn(1, 2, 7, 7, requires_grad=True)
    out = F.conv2d(x, weight, stride=2)
    g = torch.randn_like(out)
    out.backward(g)
    transposed = nn.ConvTranspose2d(3, 2, 3, stride=2, bias=False)
    transposed.load_state_dict({"weight": weight})
    torch.testing.assert_close(transposed(g), x.grad)


def test_unpooling_puts_maxima_back():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    out, places = nn.MaxPool2d(2, return_indices=True)(x)
    back = nn.MaxUnpool2d(2)(out, places)
    assert back[0, 0].tolist() == [[0, 0, 0, 0], [0, 5, 0, 7], [0, 0, 0, 0], [0, 13, 0, 15]]


def test_batch_normalisation_keeps_running_statistics():
    layer = nn.BatchNorm1d(3)
    out = layer(torch.arange(12.0).view(1, 3, 4) / 10)
    torch.testing.assert_close(out[0, 0].detach(), torch.tensor([-1.3411045, -0.4470348, 0.4470349, 1.3411046]))
    torch.testing.assert_close(layer.running_mean, torch.tensor([0.015, 0.055, 0.095]))
    torch.testing.assert_close(layer.running_var, torch.full((3,), 0.9016666))
    before = layer.running_mean.clone()
    layer.eval()(torch.randn(5, 3))
    assert layer.running_mean.equal(before) and layer.num_batches_tracked.item() == 1


def test_without_momentum_the_statistics_are_plain_averages():
    layer = nn.BatchNorm1d(1, momentum=None)
    for level in (1.0, 2.0, 6.0):
        layer(torch.tensor([[level], [level + 2]]))
    assert layer.running_mean.item() == pytest.approx(4.0)


def test_dropout_is_for_training():
    layer = nn.Dropout(0.5)
    x = torch.ones(1000)
    assert set(layer(x).tolist()) == {0.0, 2.0}
    assert layer.eval()(x) is x or layer(x).equal(x)


def test_the_adaptive_softmax_is_a_distribution_and_its_loss_is_its_logarithm():
    layer = nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2, 4], div_value=2.0)
    x, target = torch.randn(5, 4), torch.tensor([0, 5, 3, 2, 1])
    logs = layer.log_prob(x)
    torch.testing.assert_close(logs.exp().sum(1), torch.ones(5))
    found = layer(x, target)
    torch.testing.assert_close(found.output, logs.gather(1, target.unsqueeze(1)).squeeze(1))
    torch.testing.assert_close(found.loss, -found.output.mean())
    assert layer.predict(x).equal(logs.argmax(1))
    with pytest.raises(RuntimeError, match="Target values should be in"):
        layer(x, target + 1)


def test_the_older_local_response_norm_never_lets_go_of_the_first_channel():
    x = (torch.arange(36.0) / 10).sin().view(1, 4, 3, 3)
    out = nn.CrossMapLRN2d(3, alpha=1.0)(x)[0, :, 0, 0]
    torch.testing.assert_close(out, torch.tensor([0.0, 0.5720300674438477, 0.6905258297920227, 0.3362102806568146]))


@pytest.mark.parametrize(("average", "reduce", "reduction"), [(True, None, "mean"), (False, None, "sum"),
                                                             (None, False, "none"), (False, True, "sum")])  # fmt: skip
def test_older_arguments_of_losses_warn_and_mean_a_reduction(average, reduce, reduction):
    with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
        loss = nn.MSELoss(size_average=average, reduce=reduce)
    assert loss.reduction == reduction
    x, y = torch.randn(3), torch.randn(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.testing.assert_close(loss(x, y), nn.MSELoss(reduction=reduction)(x, y))


def test_class_weights_move_and_copy_with_the_loss():
    loss = nn.CrossEntropyLoss(torch.tensor([1.0, 2.0])).double()
    assert loss.weight.dtype is torch.float64
    assert copy.deepcopy(loss).weight.equal(loss.weight)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: nn.Conv2d(3, 4, 2, groups=2), ValueError, "in_channels must be divisible by groups"),
        (lambda: nn.Conv2d(3, 4, 2, padding="full"), ValueError, "Invalid padding string"),
        (lambda: nn.Conv2d(3, 4, 2, 2, padding="same"), ValueError, "padding='same' is not supported for strided"),
        (lambda: nn.Conv2d(3, 4, 2, padding_mode="x"), ValueError, "padding_mode must be one of"),
        (lambda: nn.ConvTranspose1d(3, 4, 2, padding_mode="reflect"), ValueError, 'Only "zeros" padding mode'),
        (lambda: nn.BatchNorm2d(3)(torch.randn(2, 3)), ValueError, "expected 4D input .got 2D input."),
        (lambda: nn.GroupNorm(2, 3), ValueError, "num_channels .3. must be divisible by num_groups .2."),
        (lambda: nn.Dropout(1.5), ValueError, "dropout probability has to be between 0 and 1"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), AssertionError, "Padding_idx must be within num_embeddings"),
        (lambda: nn.Softmax2d()(torch.randn(2)), ValueError, "expected input to be 3D or 4D, got 1D"),
        (lambda: nn.FractionalMaxPool2d(2), ValueError, "requires specifying either an output size"),
        (lambda: nn.TripletMarginLoss(margin=0), ValueError, "expected margin to be greater than 0"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 6, [4, 2]), ValueError, "cutoffs should be a sequence of unique"),
    ],
)
def test_wrong_arguments_are_refused_with_words(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_batch_normalisations_become_synchronised_ones_with_the_same_tensors():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    made = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert type(made[1]) is nn.SyncBatchNorm and made[1].weight is model[1].weight
    assert made(torch.randn(4, 2)).shape == (4, 3)


def test_instance_normalisation_of_doubles_moves_single_precision_statistics():
    layer = nn.InstanceNorm1d(2, track_running_stats=True, momentum=1.0)
    x = torch.randn(3, 2, 5, dtype=torch.float64)
    assert layer(x).dtype is torch.float64
    torch.testing.assert_close(layer.running_mean, x.mean((0, 2)).float())


def test_an_example_alone_uses_the_first_of_given_random_numbers():
    x, numbers = torch.randn(2, 3, 7, 7, 7), torch.rand(2, 3, 3)
    layer = nn.FractionalMaxPool3d(2, output_size=3, _random_samples=numbers)
    torch.testing.assert_close(layer(x[0]), layer(x)[0])
