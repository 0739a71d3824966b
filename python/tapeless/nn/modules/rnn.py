# Recurrent modules: RNN, LSTM and GRU over sequences, and their cells for one step.
"""Modules around torch.lstm, torch.gru, torch.rnn_tanh and torch.rnn_relu."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.nn import init
from tapeless.nn.modules.module import Module
from tapeless.nn.parameter import Parameter
from tapeless.nn.utils.rnn import PackedSequence

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

# How many gates the weights of a mode hold, and what runs it.
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_FUNCTIONS = {
    "LSTM": tapeless.lstm,
    "GRU": tapeless.gru,
    "RNN_TANH": tapeless.rnn_tanh,
    "RNN_RELU": tapeless.rnn_relu,
}


def apply_permutation(tensor: Tensor, permutation: Tensor, dim: int = 1) -> Tensor:
    """The tensor with its slices along `dim` in another order."""
    warnings.warn(
        "apply_permutation is deprecated, please use tensor.index_select(dim, permutation) instead",
        FutureWarning,
        stacklevel=2,
    )
    return tensor.index_select(dim, permutation)


def _check_dropout(dropout: Any, num_layers: int) -> None:
    if not isinstance(dropout, (int, float)) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
            f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )


def _check_flags(**flags: Any) -> None:
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")


def _check_sizes(input_size: Any, hidden_size: Any, num_layers: int, proj_size: int) -> None:
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


class RNNBase(Module):
    """What RNN, LSTM and GRU share: parameters by layer and direction, and the checks of their input.

    Parameters are weight_ih_l0 [gates * H, I], weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_hr_l0, then those of
    ..._l0_reverse, ..._l1; all are drawn from a uniform distribution within 1 / sqrt(H).
    """

    __constants__ = [
        "mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional",
        "proj_size",
    ]  # fmt: skip

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_flags(bias=bias, batch_first=batch_first)
        _check_dropout(dropout, num_layers)
        _check_sizes(input_size, hidden_size, num_layers, proj_size)
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[: 2 if bidirectional else 1]:
                shapes = self._shapes(layer)
                names = {f"{name}_l{layer}{suffix}": shape for name, shape in shapes.items()}
                for name, shape in names.items():
                    setattr(self, name, Parameter(tapeless.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(list(names))
        self.reset_parameters()

    def _shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        rows = _GATES[self.mode] * self.hidden_size
        outputs = self.proj_size or self.hidden_size
        inputs = outputs * (2 if self.bidirectional else 1) if layer else self.input_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, outputs)}
        if self.bias:
            shapes.update(bias_ih=(rows,), bias_hh=(rows,))
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return shapes

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Does nothing: the parameters need not lie in one piece of memory here."""

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise where the input's dtype, dimensions or last size do not fit."""
        weight = self._flat_weights[0]
        if input.dtype != weight.dtype and not tapeless.is_autocast_enabled(input.device.type):
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        wanted = 2 if batch_sizes is not None else 3
        if input.dim() != wanted:
            raise RuntimeError(f"input must have {wanted} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _state_size(self, input: Tensor, batch_sizes: Tensor | None, features: int) -> tuple[int, int, int]:
        if batch_sizes is not None:
            rows = int(batch_sizes[0])
        else:
            rows = input.size(0) if self.batch_first else input.size(1)
        return self.num_layers * (2 if self.bidirectional else 1), rows, features

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The size that h has for an input."""
        return self._state_size(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raise where a state has another size than it should."""
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise where input and state do not fit the module."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its sequences in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def extra_repr(self) -> str:
        """Sizes, then what is not as by default."""
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False,
        }  # fmt: skip
        given = ((name, getattr(self, name)) for name in defaults)
        return text + "".join(f", {name}={value}" for name, value in given if value != defaults[name])

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, with the lists of parameters that PyTorch keeps beside them: its files hold both."""
        lists = {"_flat_weights_names": self._flat_weights_names, "_flat_weights": self._flat_weights}
        return {**super().__getstate__(), **lists}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({name: v for name, v in state.items() if not name.startswith("_flat_weight")})
        self.__dict__.setdefault("proj_size", 0)

    # --- The call ---

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return self._zero_state(input, self.get_expected_hidden_size(input, batch_sizes))

    @staticmethod
    def _zero_state(input: Tensor, size: tuple[int, int, int]) -> Tensor:
        return tapeless.zeros(size, dtype=input.dtype, device=input.device)

    def _result(self, outputs: tuple[Tensor, ...]) -> Any:
        """What stands for the state in the module's result: h alone here."""
        return outputs[1]

    def _each(self, hx: Any, change: Callable[[Tensor], Tensor]) -> Any:
        """The state with each part changed."""
        return change(hx)

    def _check_dims(self, hx: Any, batched: bool) -> None:
        wanted, kind = (3, "batched") if batched else (2, "unbatched")
        if hx.dim() != wanted:
            raise RuntimeError(f"For {kind} {wanted}-D input, hx should also be {wanted}-D but got {hx.dim()}-D tensor")

    def _how(self) -> tuple[Any, ...]:
        return self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        data, sizes, order, back = packed
        hx = self._zeros(data, sizes) if hx is None else self.permute_hidden(hx, order)
        self.check_forward_args(data, hx, sizes)
        outputs = _FUNCTIONS[self.mode](data, sizes, hx, *self._how())
        return PackedSequence(outputs[0], sizes, order, back), self.permute_hidden(self._result(outputs), back)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The outputs [T, N, D * H] of the last layer and the last state of each; see the class."""
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        batched, along = input.dim() == 3, 0 if self.batch_first else 1
        if hx is not None:
            self._check_dims(hx, batched)
        if not batched:
            input = input.unsqueeze(along)
            hx = None if hx is None else self._each(hx, lambda part: part.unsqueeze(1))
        if hx is None:
            hx = self._zeros(input, None)
        self.check_forward_args(input, hx, None)
        outputs = _FUNCTIONS[self.mode](input, hx, *self._how(), self.batch_first)
        state = self._result(outputs)
        if batched:
            return outputs[0], state
        return outputs[0].squeeze(along), self._each(state, lambda part: part.squeeze(1))


class RNN(RNNBase):
    """Elman's network (1990): h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or with relu.

    Arguments: input_size I, hidden_size H, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False,
    dropout=0.0 (between layers), bidirectional=False. Input [T, N, I], [N, T, I] if batch_first, [T, I] if it is one,
    or a PackedSequence; state [layers * directions, N, H], zero by default. Results: outputs [T, N, directions * H]
    and the last state.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            self.nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{self.nonlinearity.upper()}", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014), the reset gate after the product.

    r, z = sigmoid of the inputs' and state's products; n = tanh(W_in x + b_in + r * (W_hn h + b_hn));
    h' = (1 - z) * n + z * h. Arguments, shapes and results as in RNN, without nonlinearity.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with projections (Sak et al. 2014) if proj_size > 0.

    i, f, g, o from the products of input and state; c' = sigmoid(f) * c + sigmoid(i) * tanh(g);
    h' = sigmoid(o) * tanh(c'), then W_hr h'. Arguments, shapes and results as in RNN; the state is the pair (h, c),
    h of size proj_size if that is given.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The size that c has for an input."""
        return self._state_size(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise where input and state do not fit the module."""
        self.check_input(input, batch_sizes)
        sizes = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        for at, (part, size) in enumerate(zip(hidden, sizes, strict=True)):
            self.check_hidden_size(part, size, f"Expected hidden[{at}] size {{}}, got {{}}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Both parts of the state with their sequences in another order."""
        return hx if permutation is None else self._each(hx, lambda part: part.index_select(1, permutation))

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return (
            super()._zeros(input, batch_sizes),
            self._zero_state(input, self.get_expected_cell_size(input, batch_sizes)),
        )

    def _result(self, outputs: tuple[Tensor, ...]) -> Any:
        return outputs[1:]

    def _each(self, hx: Any, change: Callable[[Tensor], Tensor]) -> Any:
        return tuple(change(part) for part in hx)

    def _check_dims(self, hx: Any, batched: bool) -> None:
        wanted, kind = (3, "batched") if batched else (2, "unbatched")
        if any(part.dim() != wanted for part in hx):
            raise RuntimeError(
                f"For {kind} {wanted}-D input, hx and cx should also be {wanted}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )


# --- Cells ---


class RNNCellBase(Module):
    """What the cells share: weight_ih [chunks * H, I], weight_hh, bias_ih, bias_hh, uniform within 1 / sqrt(H)."""

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(tapeless.empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(tapeless.empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            own = Parameter(tapeless.empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, own)
        self.reset_parameters()

    def extra_repr(self) -> str:
        """Sizes, then what is not as by default."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _checked(self, input: Tensor, hidden: Any) -> bool:
        """Whether rows of several examples were given."""
        for what, x in (("input", input), ("hidden", hidden)):
            if x is not None and x.dim() not in (1, 2):
                raise ValueError(f"{self._get_name()}: Expected {what} to be 1D or 2D, got {x.dim()}D instead")
        return input.dim() == 2

    def _one_state(self, function: Callable[..., Tensor], input: Tensor, hx: Any) -> Tensor:
        batched = self._checked(input, hx)
        rows = input if batched else input.unsqueeze(0)
        if hx is None:
            hx = tapeless.zeros(rows.size(0), self.hidden_size, dtype=rows.dtype, device=rows.device)
        elif not batched:
            hx = hx.unsqueeze(0)
        result = function(rows, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return result if batched else result.squeeze(0)


class RNNCell(RNNCellBase):
    """One step of RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or with relu; x [N, I] or [I], h [N, H] or [H]."""

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The new state; the old one is zero by default."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        function = tapeless.rnn_tanh_cell if self.nonlinearity == "tanh" else tapeless.rnn_relu_cell
        return self._one_state(function, input, hx)


class GRUCell(RNNCellBase):
    """One step of GRU; x [N, I] or [I], h [N, H] or [H]."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The new state; the old one is zero by default."""
        return self._one_state(tapeless.gru_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of LSTM; x [N, I] or [I], the state a pair (h, c) of [N, H] or [H]."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The new (h, c); the old ones are zero by default."""
        batched = self._checked(input, None)
        for at, part in enumerate(hx or ()):
            if part.dim() not in (1, 2):
                raise ValueError(f"LSTMCell: Expected hx[{at}] to be 1D or 2D, got {part.dim()}D instead")
        rows = input if batched else input.unsqueeze(0)
        if hx is None:
            zeros = tapeless.zeros(rows.size(0), self.hidden_size, dtype=rows.dtype, device=rows.device)
            hx = (zeros, zeros)
        elif not batched:
            hx = (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        h, c = tapeless.lstm_cell(rows, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))
