# Recurrent networks as compositions: Elman's, gated units, long short-term memory.
"""lstm, gru, rnn_tanh and rnn_relu over whole sequences, padded or packed, and one step of each.

A layer projects the inputs of all its steps in one product; a step adds the product of the hidden state
and applies the gates. A padded sequence is a packed one whose steps are all of the same size, so that
there is one loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tapeless
from tapeless._core import Tensor
from tapeless.composition import autocasts

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]
METHODS = ()

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State], State]


class _Weights(NamedTuple):
    """Those of one layer in one direction."""

    input: Tensor
    hidden: Tensor
    input_bias: Tensor | None = None
    hidden_bias: Tensor | None = None
    projection: Tensor | None = None


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x @ weight.T + bias for a matrix x."""
    return x.mm(weight.t()) if bias is None else tapeless.addmm(bias, x, weight.t())


def _summed(weights: _Weights) -> Tensor | None:
    """Both biases in one, where the hidden one is not multiplied by a gate."""
    if weights.input_bias is None or weights.hidden_bias is None:
        return weights.input_bias if weights.hidden_bias is None else weights.hidden_bias
    return weights.input_bias + weights.hidden_bias


# --- One step. Each maker returns what is added to the inputs' product and the step from it and the state. ---


def _elman(activation: Callable[[Tensor], Tensor]) -> Callable[[_Weights], tuple[Tensor | None, Step]]:
    def make(weights: _Weights) -> tuple[Tensor | None, Step]:
        hidden = weights.hidden.t()

        def step(projected: Tensor, state: State) -> State:
            return (activation(tapeless.addmm(projected, state[0], hidden)),)

        return _summed(weights), step

    return make


def _lstm(weights: _Weights) -> tuple[Tensor | None, Step]:
    hidden = weights.hidden.t()
    projection = None if weights.projection is None else weights.projection.t()

    def step(projected: Tensor, state: State) -> State:
        i, f, g, o = tapeless.addmm(projected, state[0], hidden).chunk(4, 1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return (h if projection is None else h.mm(projection)), c

    return _summed(weights), step


def _gru(weights: _Weights) -> tuple[Tensor | None, Step]:
    def step(projected: Tensor, state: State) -> State:
        h = state[0]
        input_r, input_z, input_n = projected.chunk(3, 1)
        hidden_r, hidden_z, hidden_n = _product(h, weights.hidden, weights.hidden_bias).chunk(3, 1)
        r = (input_r + hidden_r).sigmoid()
        z = (input_z + hidden_z).sigmoid()
        n = (input_n + r * hidden_n).tanh()
        return (n + z * (h - n),)

    return weights.input_bias, step


_tanh, _relu = _elman(tapeless.tanh), _elman(tapeless.relu)


# --- Whole sequences ---


def _forwards(step: Step, inputs: Sequence[Tensor], state: State) -> tuple[list[Tensor], State]:
    """Steps in order; sequences that end (steps become smaller) leave their state behind."""
    outputs, ended = [], []
    for projected in inputs:
        size = projected.shape[0]
        if size < state[0].shape[0]:
            ended.append(tuple(part[size:] for part in state))
            state = tuple(part[:size] for part in state)
        state = step(projected, state)
        outputs.append(state[0])
    if ended:
        state = tuple(tapeless.cat(parts) for parts in zip(state, *reversed(ended), strict=True))
    return outputs, state


def _backwards(step: Step, inputs: Sequence[Tensor], first: State) -> tuple[list[Tensor], State]:
    """Steps from the last one; sequences that are shorter begin later, from the first state."""
    outputs = []
    state = tuple(part[: inputs[-1].shape[0]] for part in first)
    for projected in reversed(inputs):
        begun, size = state[0].shape[0], projected.shape[0]
        if size > begun:
            joined = zip(state, first, strict=True)
            state = tuple(tapeless.cat([part, start[begun:size]]) for part, start in joined)
        state = step(projected, state)
        outputs.append(state[0])
    outputs.reverse()
    return outputs, state


class _Sequences(NamedTuple):
    """Steps [T, N, ...], or the rows of all steps with the number of each step's."""

    data: Tensor
    sizes: tuple[int, ...] | None

    def projected(self, weight: Tensor, bias: Tensor | None) -> Sequence[Tensor]:
        """The product of each step's rows with the weight."""
        rows = _product(self.data.flatten(0, -2), weight, bias)
        if self.sizes is None:
            return rows.view(*self.data.shape[:-1], -1).unbind(0)
        return rows.split(self.sizes)

    def with_steps(self, steps: list[Tensor]) -> Tensor:
        """What stands in place of the data when each step's rows are these."""
        return tapeless.stack(steps) if self.sizes is None else tapeless.cat(steps)


def _grouped(params: Sequence[Tensor], biases: bool, count: int) -> list[_Weights]:
    """The parameters by layer and direction."""
    each = len(params) // count if count else 0
    if not count or each * count != len(params) or each not in ((4, 5) if biases else (2, 3)):
        raise RuntimeError(
            f"recurrent network: {len(params)} parameters for {count} layers and directions with"
            f"{'' if biases else 'out'} biases; each needs its input and hidden weight, then its biases"
        )
    found = []
    for begin in range(0, len(params), each):
        own = list(params[begin : begin + each])
        projection = own.pop() if each % 2 else None
        found.append(_Weights(*own, *([] if biases else [None, None]), projection))
    return found


class _Settings(NamedTuple):
    """How layers are put together."""

    biases: bool
    layers: int
    dropout: float
    train: bool
    bidirectional: bool


def _run(make: Any, sequences: _Sequences, first: State, params: Sequence[Tensor], how: _Settings) -> Any:
    """All layers and directions: the outputs of the last layer, and each part of the last states, stacked."""
    directions = 2 if how.bidirectional else 1
    weights = _grouped(params, how.biases, how.layers * directions)
    last: list[State] = []
    for layer in range(how.layers):
        found = []
        for direction in range(directions):
            at = layer * directions + direction
            bias, step = make(weights[at])
            inputs = sequences.projected(weights[at].input, bias)
            walk = _backwards if direction else _forwards
            outputs, state = walk(step, inputs, tuple(part[at] for part in first))
            found.append(sequences.with_steps(outputs))
            last.append(state)
        data = found[0] if directions == 1 else tapeless.cat(found, -1)
        if how.train and how.dropout and layer + 1 < how.layers:
            data = tapeless.dropout(data, how.dropout, True)
        sequences = sequences._replace(data=data)
    return sequences.data, *(tapeless.stack(parts) for parts in zip(*last, strict=True))


def _call(make: Any, *args: Any) -> Any:
    """(input, hx, params, five settings, batch_first), or for packed rows (data, sizes, hx, params, five settings)."""
    if isinstance(args[3], (list, tuple)):
        data, sizes, hx, params, *how = args
        return _run(make, _Sequences(data, tuple(sizes.tolist())), _states(hx), params, _Settings(*how))
    input, hx, params, *how, batch_first = args
    if input.dim() != 3:
        raise RuntimeError(f"recurrent network: input must have 3 dimensions, got {input.dim()}")
    data = input.transpose(0, 1) if batch_first else input
    if data.shape[0] == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    output, *last = _run(make, _Sequences(data, None), _states(hx), params, _Settings(*how))
    return output.transpose(0, 1) if batch_first else output, *last


_call_lower = autocasts("lower")(_call)


def _states(hx: Any) -> State:
    return (hx,) if isinstance(hx, Tensor) else tuple(hx)


def lstm(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Long short-term memory (Hochreiter and Schmidhuber 1997) over input [T, N, I]: the outputs, the last h and c.

    hx = (h, c), each [layers * directions, N, H]; the gates of the weights [4 H, I] and [4 H, H] stand in the order
    input, forget, cell, output. Packed rows are called as lstm(data, batch_sizes, hx, params, has_biases, num_layers,
    dropout, train, bidirectional).
    """
    # PyTorch's policy under autocast is that of its fused kernel, which takes neither packed rows nor projections.
    fused = not isinstance(hx, Tensor) and hx[0].shape[-1] == hx[1].shape[-1]
    call = _call_lower if fused else _call
    return call(_lstm, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


def gru(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any = False,
) -> tuple[Tensor, Tensor]:
    """Gated recurrent units (Cho et al. 2014) over input [T, N, I]: the outputs and the last state.

    The gates of the weights [3 H, I] and [3 H, H] stand in the order reset, update, new; the reset gate acts after the
    product with the hidden weight. Packed rows are called as in `lstm`.
    """
    return _call(_gru, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


def rnn_tanh(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any = False,
) -> tuple[Tensor, Tensor]:
    """Elman's network (1990) with tanh over input [T, N, I]: the outputs and the last state; packed as `lstm`."""
    return _call(_tanh, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


def rnn_relu(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any = False,
) -> tuple[Tensor, Tensor]:
    """Elman's network (1990) with relu over input [T, N, I]: the outputs and the last state; packed as `lstm`."""
    return _call(_relu, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


# --- Cells ---


def _cell(make: Any, input: Tensor, state: State, *weights: Any) -> State:
    """One step of rows [N, I]."""
    own = _Weights(*weights)
    _check_cell(input, state, own)
    bias, step = make(own)
    return step(_product(input, own.input, bias), state)


def _check_cell(input: Tensor, state: State, weights: _Weights) -> None:
    expected = weights.input.shape[1]
    if input.shape[1] != expected:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {expected}")
    hidden = weights.hidden.shape[1]
    for at, part in enumerate(state):
        if part.shape[0] != input.shape[0]:
            rows = f"Input batch size {input.shape[0]} doesn't match hidden{at} batch size {part.shape[0]}"
            raise RuntimeError(rows)
        if part.shape[1] != hidden:
            raise RuntimeError(f"hidden{at} has inconsistent hidden_size: got {part.shape[1]}, expected {hidden}")


def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One step of `lstm` from input [N, I] and hx = (h, c), each [N, H]: the new h and c."""
    return _cell(_lstm, input, tuple(hx), w_ih, w_hh, b_ih, b_hh)


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of `gru` from input [N, I] and hx [N, H]: the new state."""
    return _cell(_gru, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of `rnn_tanh` from input [N, I] and hx [N, H]: the new state."""
    return _cell(_tanh, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of `rnn_relu` from input [N, I] and hx [N, H]: the new state."""
    return _cell(_relu, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
