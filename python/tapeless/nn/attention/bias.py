# Causal masks of attention for queries and keys of different lengths.
"""causal_upper_left and causal_lower_right: masks to pass as `attn_mask` of scaled_dot_product_attention."""

import warnings
from enum import IntEnum, auto
from typing import Any

import tapeless
from tapeless import Tensor

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """In which corner the diagonal of a causal mask ends."""

    UPPER_LEFT = auto()
    LOWER_RIGHT = auto()


class CausalBias(Tensor):
    """A boolean mask (seq_len_q, seq_len_kv), True where a query may look at a key.

    From the upper left, query i sees keys 0 to i; from the lower right, the last query sees all keys.
    """

    variant: CausalVariant
    seq_len_q: int
    seq_len_kv: int

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> Any:
        """The mask of a variant."""
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant)}")
        offset = 0 if variant is CausalVariant.UPPER_LEFT else seq_len_kv - seq_len_q
        mask = tapeless.ones(seq_len_q, seq_len_kv, dtype=tapeless.bool).tril(diagonal=offset)
        made = Tensor._make_subclass(cls, mask)
        made.variant, made.seq_len_q, made.seq_len_kv = variant, seq_len_q, seq_len_kv
        if seq_len_q > seq_len_kv and variant is CausalVariant.LOWER_RIGHT:
            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!", stacklevel=3
            )
        return made

    def _materialize(self, device: Any = None) -> Tensor:
        """The mask as an ordinary tensor."""
        return self.as_subclass(Tensor).to(device or self.device)

    def __repr__(self) -> str:
        return repr(self._materialize())

    # Attention and everything else give ordinary tensors.
    __torch_function__ = tapeless.overrides._disabled_torch_function_impl


def _sizes(name: str, size: tuple[int, ...]) -> tuple[int, ...]:
    if len(size) != 2:
        raise AssertionError(f"{name} only supports 2D tensors")
    return size


def causal_upper_left(*size: int) -> CausalBias:
    """The mask (queries, keys) whose diagonal starts in the upper left corner."""
    return CausalBias(CausalVariant.UPPER_LEFT, *_sizes("causal_upper_left", size))


def causal_lower_right(*size: int) -> CausalBias:
    """The mask (queries, keys) whose diagonal ends in the lower right corner."""
    return CausalBias(CausalVariant.LOWER_RIGHT, *_sizes("causal_lower_right", size))
