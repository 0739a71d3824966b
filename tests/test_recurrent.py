"""Recurrent networks: PyTorch's numbers for the same seed, packed as padded, and gradients through time."""

import pytest

import tapeless as torch
from tapeless import nn
from tapeless.nn.utils import rnn
from tests.derivatives import check_gradients, doubles

MODULES = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
# The outputs of PyTorch 2.13 for seed 0, sizes 2 and 2, and the input below.
KNOWN = {
    "LSTM": [-0.18901555, 0.04504407, -0.22457923, 0.00026193, -0.20085773, -0.02315791],
    "GRU": [-0.24424410, -0.39399105, -0.45591384, -0.55894721, -0.60113323, -0.63783842],
    "RNN": [-0.19793636, -0.05590253, -0.00766511, -0.48191628, 0.00934758, -0.83605987],
}


def sequences():
    """Three sequences of unequal length, longest neither first nor last."""
    torch.manual_seed(1)
    return [torch.randn(length, 3, dtype=torch.float64) for length in (2, 5, 3)]


@pytest.mark.parametrize("name", MODULES)
def test_the_same_seed_gives_pytorchs_weights_and_outputs(name):
    torch.manual_seed(0)
    outputs, _ = MODULES[name](2, 2)(torch.arange(6.0).reshape(3, 1, 2) / 5)
    torch.testing.assert_close(outputs.flatten(), torch.tensor(KNOWN[name]))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", MODULES)
def test_a_packed_batch_gives_what_each_sequence_gives_alone(name, bidirectional):
    torch.manual_seed(2)
    network = MODULES[name](3, 4, num_layers=2, bidirectional=bidirectional).double()
    packed, last = network(rnn.pack_sequence(sequences(), enforce_sorted=False))
    first = last[0] if name == "LSTM" else last
    for at, (sequence, output) in enumerate(zip(sequences(), rnn.unpack_sequence(packed), strict=True)):
        alone, state = network(sequence)
        torch.testing.assert_close(output, alone)
        torch.testing.assert_close(first[:, at], state[0] if name == "LSTM" else state)


@pytest.mark.parametrize("name", MODULES)
def test_batch_first_only_turns_the_batch(name):
    torch.manual_seed(0)
    network, x = MODULES[name](3, 4), torch.randn(5, 2, 3)
    turned = MODULES[name](3, 4, batch_first=True)
    turned.load_state_dict(network.state_dict())
    torch.testing.assert_close(turned(x.transpose(0, 1))[0], network(x)[0].transpose(0, 1))


@pytest.mark.parametrize("name", MODULES)
def test_gradients_through_time_are_those_of_finite_differences(name):
    torch.manual_seed(0)
    network = MODULES[name](2, 3, bidirectional=True).double()
    check_gradients(lambda x: network(x)[0], doubles(4, 2, 2))


def test_a_cell_is_one_step_of_its_network():
    torch.manual_seed(0)
    network, x = nn.LSTM(3, 4), torch.randn(1, 2, 3)
    cell = nn.LSTMCell(3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in network.state_dict().items()})
    output, (h, c) = network(x)
    new_h, new_c = cell(x[0])
    torch.testing.assert_close((output[0], h[0], c[0]), (new_h, new_h, new_c))


def test_projections_shrink_the_state_and_the_outputs():
    output, (h, c) = nn.LSTM(3, 4, proj_size=2)(torch.zeros(5, 2, 3))
    assert (output.shape, h.shape, c.shape) == ((5, 2, 2), (1, 2, 2), (1, 2, 4))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.LSTM(3, 4)(torch.ones(5, 2, 4)), RuntimeError, r"Expected 3, got 4"),
        (lambda: nn.GRU(3, 4)(torch.ones(5)), ValueError, "Expected input to be 2D or 3D, got 1D"),
        (lambda: nn.GRU(3, 4)(torch.ones(5, 2, 3), torch.ones(1, 3, 4)), RuntimeError, r"\(1, 2, 4\), got \[1, 3, 4\]"),
        (lambda: nn.LSTM(3, 4)(torch.ones(0, 2, 3)), RuntimeError, "sequence length to be larger than 0"),
        (lambda: nn.RNN(3, 4, nonlinearity="sin"), ValueError, "Unknown nonlinearity 'sin'"),
        (lambda: nn.LSTM(3, 4, proj_size=4), ValueError, "proj_size has to be smaller than hidden_size"),
        (
            lambda: nn.GRUCell(3, 4)(torch.ones(2, 3), torch.ones(3, 4)),
            RuntimeError,
            "doesn't match hidden0 batch size 3",
        ),
        (lambda: rnn.pack_sequence(sequences()), RuntimeError, "must be sorted in decreasing order"),
    ],
)
def test_bad_input_is_refused_with_words(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_padding_and_packing_undo_each_other():
    padded = rnn.pad_sequence(sequences())
    packed = rnn.pack_padded_sequence(padded, [2, 5, 3], enforce_sorted=False)
    again, lengths = rnn.pad_packed_sequence(packed)
    assert lengths.tolist() == [2, 5, 3] and packed.batch_sizes.tolist() == [3, 3, 2, 1, 1]
    torch.testing.assert_close(again, padded)
