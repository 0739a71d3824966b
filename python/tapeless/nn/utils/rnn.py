# Sequences of unequal length: padded to one size, or packed without the pads.
"""PackedSequence, and the ways between lists of sequences, padded batches and packed rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import tapeless
from tapeless import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """The rows of all steps, step by step, of sequences sorted by falling length.

    `batch_sizes` [T], on the CPU, counts the sequences that have a step; `sorted_indices` says which sequence of the
    batch came to each place, `unsorted_indices` is its inverse; both are None where nothing was sorted.
    """

    def __new__(  # noqa: D102
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:  # The pair of data and sizes, as older files hold it.
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn."
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data: Tensor) -> PackedSequence:
        if data is self.data:
            return self
        orders = (None if x is None else x.to(data.device) for x in (self.sorted_indices, self.unsorted_indices))
        return type(self)(data, self.batch_sizes, *orders)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with its data converted as Tensor.to does; itself where nothing changes."""
        return self._with(self.data.to(*args, **kwargs))

    def pin_memory(self) -> PackedSequence:
        """The same in pinned memory."""
        return self._with(self.data.pin_memory())

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return self.data.is_pinned()

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return self.data.is_cuda

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same on a CUDA device."""
        return self._with(self.data.cuda(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """The same on the CPU."""
        return self._with(self.data.cpu())

    def double(self) -> PackedSequence:
        """The same as float64."""
        return self.to(dtype=tapeless.float64)

    def float(self) -> PackedSequence:
        """The same as float32."""
        return self.to(dtype=tapeless.float32)

    def half(self) -> PackedSequence:
        """The same as float16."""
        return self.to(dtype=tapeless.float16)

    def long(self) -> PackedSequence:
        """The same as int64."""
        return self.to(dtype=tapeless.int64)

    def int(self) -> PackedSequence:
        """The same as int32."""
        return self.to(dtype=tapeless.int32)

    def short(self) -> PackedSequence:
        """The same as int16."""
        return self.to(dtype=tapeless.int16)

    def char(self) -> PackedSequence:
        """The same as int8."""
        return self.to(dtype=tapeless.int8)

    def byte(self) -> PackedSequence:
        """The same as uint8."""
        return self.to(dtype=tapeless.uint8)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes one; None for None."""
    if permutation is None:
        return None
    places = tapeless.arange(permutation.numel(), device=permutation.device)
    return tapeless.empty_like(permutation).scatter_(0, permutation, places)


def _checked_lengths(lengths: Tensor, batch: int, steps: int) -> list[int]:
    if lengths.dim() != 1 or lengths.numel() != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.numel()} (batch_size={batch})"
        )
    found = lengths.tolist()
    if not found or min(found) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if max(found) > steps:
        raise RuntimeError(f"Expected the longest sequence to have at most {steps} steps, but got {max(found)}")
    return found


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Takes the pads out of input [T, N, *], or [N, T, *] if batch_first; lengths [N] on the CPU.

    With enforce_sorted the lengths must fall, else sequences are sorted first. Derivative: the rows' gradients in
    their places, zero at pads.
    """
    if not isinstance(lengths, Tensor):
        lengths = tapeless.as_tensor(lengths, dtype=tapeless.int64, device="cpu")
    lengths = lengths.to(tapeless.int64)
    if enforce_sorted:
        order = None
    else:
        lengths, order = tapeless.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, order.to(input.device))
    steps = input.transpose(0, 1) if batch_first else input
    if steps.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    found = _checked_lengths(lengths, steps.shape[1], steps.shape[0])
    if any(shorter > longer for longer, shorter in zip(found, found[1:], strict=False)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    sizes = [sum(length > step for length in found) for step in range(found[0])]
    mask = tapeless.arange(steps.shape[1]) < tapeless.tensor(sizes).unsqueeze(1)
    data = steps[: found[0]][mask.to(steps.device)]
    return PackedSequence(data, tapeless.tensor(sizes), order, None)


def _lengths(batch_sizes: Tensor) -> Tensor:
    """How many steps each sequence has, longest first."""
    return (batch_sizes.unsqueeze(0) > tapeless.arange(int(batch_sizes[0])).unsqueeze(1)).sum(1)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded batch [T, N, *], in the order that was packed, and the lengths [N].

    total_length sets T, which must not be less than the longest sequence. Derivative: the gradients of the rows.
    """
    data, sizes, _, back = sequence
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    lengths = _lengths(sizes)
    mask = tapeless.arange(steps).unsqueeze(1) < lengths.unsqueeze(0)
    padded = data.new_full((steps, batch, *data.shape[1:]), padding_value)
    padded = padded.index_put((mask.to(data.device),), data)
    if back is not None:
        padded, lengths = padded.index_select(1, back), lengths[back.cpu()]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences [L_i, *] stacked as [T, N, *] with pads up to the longest, or [N, T, *] if batch_first."""
    if isinstance(sequences, Tensor):
        sequences = sequences.unbind(0)
    elif not isinstance(sequences, (list, tuple)) and not hasattr(sequences, "__iter__"):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(sequence.size(0) for sequence in sequences)
    padded = []
    for sequence in sequences:
        pads = sequence.new_full((longest - sequence.size(0), *sequence.shape[1:]), padding_value)
        parts = [sequence, pads] if padding_side == "right" else [pads, sequence]
        padded.append(tapeless.cat(parts) if len(pads) else sequence)
    return tapeless.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each with its own length."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [sequence[: int(length)] for sequence, length in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences [L_i, *]; with enforce_sorted they must come longest first."""
    lengths = tapeless.tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed, in their order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
