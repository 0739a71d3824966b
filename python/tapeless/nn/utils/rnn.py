# Sequences of different lengths: packed step by step, or padded to one length.
"""PackedSequence, and what converts lists of sequences to it, to padded tensors, and back."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import tapeless
from tapeless import Tensor
from tapeless.composition import composition

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pad_packed_sequence", "pad_sequence",
    "unpad_sequence", "pack_sequence", "unpack_sequence",
]  # fmt: skip


class PackedSequence_(NamedTuple):
    """The fields of a PackedSequence."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """Sequences, longest first, laid out step by step: all first elements, all second ones, and so on.

    `batch_sizes` counts how many sequences have a t-th element; it lives on the CPU. Where the
    sequences had to be sorted, `sorted_indices` tells which of them comes first, second, ..., and `unsorted_indices` is
    the inverse.
    """

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> Any:
        """The fields, or a tuple of data and batch_sizes."""
        return super().__new__(cls, *_packed_sequence_init_args(data, batch_sizes, sorted_indices, unsorted_indices))

    def pin_memory(self) -> "PackedSequence":
        """The sequence in page-locked memory."""
        moved = (None if x is None else x.pin_memory() for x in (self.sorted_indices, self.unsorted_indices))
        return type(self)(self.data.pin_memory(), self.batch_sizes, *moved)

    def to(self, *args: Any, **kwargs: Any) -> "PackedSequence":
        """The sequence with its data converted by Tensor.to; itself where nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        kept = {name: value for name, value in kwargs.items() if name not in ("device", "dtype")}
        moved = (None if x is None else x.to(data.device, **kept) for x in (self.sorted_indices, self.unsorted_indices))
        return type(self)(data, self.batch_sizes, *moved)

    def cuda(self, *args: Any, **kwargs: Any) -> "PackedSequence":
        """The sequence on a CUDA device."""
        return self.to(*args, **{"device": "cuda", **kwargs})

    def cpu(self, *args: Any, **kwargs: Any) -> "PackedSequence":
        """The sequence on the CPU."""
        return self.to(*args, **{"device": "cpu", **kwargs})

    def double(self) -> "PackedSequence":
        """The sequence in float64."""
        return self.to(dtype=tapeless.float64)

    def float(self) -> "PackedSequence":
        """The sequence in float32."""
        return self.to(dtype=tapeless.float32)

    def half(self) -> "PackedSequence":
        """The sequence in float16."""
        return self.to(dtype=tapeless.float16)

    def long(self) -> "PackedSequence":
        """The sequence in int64."""
        return self.to(dtype=tapeless.int64)

    def int(self) -> "PackedSequence":
        """The sequence in int32."""
        return self.to(dtype=tapeless.int32)

    def short(self) -> "PackedSequence":
        """The sequence in int16."""
        return self.to(dtype=tapeless.int16)

    def char(self) -> "PackedSequence":
        """The sequence in int8."""
        return self.to(dtype=tapeless.int8)

    def byte(self) -> "PackedSequence":
        """The sequence in uint8."""
        return self.to(dtype=tapeless.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data is in page-locked memory."""
        return self.data.is_pinned()


def _packed_sequence_init_args(
    data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
) -> tuple[Any, ...]:
    """The four fields from what PackedSequence was called with."""
    if unsorted_indices is None:
        unsorted_indices = invert_permutation(sorted_indices)
    if batch_sizes is not None:
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn."
            )
        return data, batch_sizes, sorted_indices, unsorted_indices
    if not isinstance(data, (list, tuple)) or len(data) != 2:
        raise AssertionError("Expected data to be a list or tuple of length 2")
    return data[0], data[1], sorted_indices, unsorted_indices


def _packed_sequence_init(
    data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
) -> PackedSequence:
    return PackedSequence(data, batch_sizes, sorted_indices, unsorted_indices)


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes another one; None for None."""
    if permutation is None:
        return None
    inverse = tapeless.empty_like(permutation, memory_format=tapeless.contiguous_format)
    inverse.scatter_(0, permutation, tapeless.arange(0, permutation.numel(), device=permutation.device))
    return inverse


@composition("pack_padded_sequence")
def _packed(input: Tensor, mask: Tensor) -> Tensor:
    return input[mask]


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack padded sequences (T, B, *), or (B, T, *), of these lengths.

    Without `enforce_sorted` they are sorted by length here, and unpacking restores their order.
    """
    if not isinstance(lengths, Tensor):
        lengths = tapeless.as_tensor(lengths, dtype=tapeless.int64, device="cpu")
    else:
        lengths = lengths.to(dtype=tapeless.int64)
    sorted_indices = None
    if not enforce_sorted:
        lengths, sorted_indices = tapeless.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, sorted_indices.to(input.device))
    if batch_first:
        input = input.transpose(0, 1)
    _check_lengths(input, lengths)
    counts = (lengths[None, :] > tapeless.arange(int(lengths[0]))[:, None]).sum(1)
    within = tapeless.arange(input.size(0))[:, None] < lengths[None, :]
    return PackedSequence(_packed(input, within), counts, sorted_indices, None)


def _check_lengths(input: Tensor, lengths: Tensor) -> None:
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if lengths.dim() != 1:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.dim()}D {lengths.device} Long tensor"
        )
    values = lengths.tolist()
    if len(values) != input.size(1):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(values)} (batch_size={input.size(1)})"
        )
    if any(after > before for before, after in zip(values, values[1:], strict=False)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    if values[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: Any = None
) -> tuple[Tensor, Tensor]:
    """The padded sequences (T, B, *), or (B, T, *), in their original order, and their lengths."""
    batch_sizes, data = sequence.batch_sizes, sequence.data
    steps = batch_sizes.size(0)
    if total_length is None:
        total_length = steps
    elif total_length < steps:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {steps}"
        )
    width = int(batch_sizes[0])
    within = tapeless.arange(width)[None, :] < batch_sizes[:, None]
    padded = data.new_full((total_length, width, *data.shape[1:]), padding_value)
    padded[:steps][within] = data
    lengths = within.sum(0)
    if batch_first:
        padded = padded.transpose(0, 1)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.cpu()]
    return padded, lengths


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """One tensor (T, B, *), or (B, T, *), of sequences (t, *) of different lengths, filled up at one side."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = sequences.unbind(0) if isinstance(sequences, Tensor) else tuple(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    for i, sequence in enumerate(sequences):
        if not isinstance(sequence, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(sequence).__name__}")
    longest = max(sequence.size(0) for sequence in sequences)
    sizes = (len(sequences), longest) if batch_first else (longest, len(sequences))
    padded = sequences[0].new_full((*sizes, *sequences[0].shape[1:]), padding_value)
    for i, sequence in enumerate(sequences):
        start = 0 if padding_side == "right" else longest - sequence.size(0)
        place = slice(start, start + sequence.size(0))
        padded[(i, place) if batch_first else (place, i)].copy_(sequence)
    return padded


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded tensor, each cut to its length."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    steps = tapeless.arange(padded_sequences.shape[1], device=lengths.device)
    return [sequence[steps < length] for sequence, length in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (t, *)."""
    lengths = tapeless.as_tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The list of sequences, in their original order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
