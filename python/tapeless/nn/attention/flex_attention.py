# Attention whose scores and mask are functions of positions.
"""flex_attention, and masks given as functions: computed as written, one score for each query and key.

A score_mod(score, b, h, q_idx, kv_idx) and a mask_mod(b, h, q_idx, kv_idx) are written for single numbers; vmap applies
them to all at once.
"""

import math
from collections.abc import Callable
from typing import Any

import tapeless
from tapeless import Tensor
from tapeless.func import vmap

__all__ = [
    "BlockMask", "and_masks", "create_block_mask", "create_mask", "flex_attention", "noop_mask", "or_masks",
]  # fmt: skip

_DEFAULT_BLOCK_SIZE = 128


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """The mask_mod that lets everything through."""
    return batch.new_ones(size=(), dtype=tapeless.bool, device=batch.device)


def _combined(function: Any, mask_mods: tuple[Any, ...], name: str) -> Any:
    if not all(callable(mask_mod) for mask_mod in mask_mods):
        raise RuntimeError(f"All inputs to {name} should be callable mask_mods: {mask_mods}")

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        first, *others = (each(b, h, q_idx, kv_idx) for each in mask_mods)
        for other in others:
            first = function(first, other)
        return first

    return mask_mod


def and_masks(*mask_mods: Any) -> Any:
    """The mask_mod that lets through what all let through."""
    return _combined(lambda x, y: x & y, mask_mods, "and_masks")


def or_masks(*mask_mods: Any) -> Any:
    """The mask_mod that lets through what any lets through."""
    return _combined(lambda x, y: x | y, mask_mods, "or_masks")


def _everywhere(function: Any, leading: tuple[Any, ...]) -> Any:
    """A function of numbers applied along batch, head, query and key; arguments before the four have all dimensions."""
    for place in reversed(range(4)):
        positions = [None] * 4
        positions[place] = 0
        function = vmap(function, in_dims=(*leading, *positions))
    return function


def _positions(*sizes: int) -> list[Tensor]:
    return [tapeless.arange(size) for size in sizes]


def create_mask(
    mod_fn: Any, B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = None, _compile: bool = False
) -> Tensor:
    """The boolean tensor (B, H, Q_LEN, KV_LEN) of a mask_mod."""
    sizes = (B or 1, H or 1, Q_LEN, KV_LEN)
    return _everywhere(mod_fn, ())(*_positions(*sizes)).expand(sizes)


class BlockMask:
    """A mask_mod with what of it is known for blocks of queries and keys: which are partly and which wholly visible."""

    def __init__(self, mask: Tensor, mask_mod: Any, block_size: tuple[int, int]) -> None:
        self.mask_mod = mask_mod
        self.BLOCK_SIZE = block_size
        self.seq_lengths = (mask.shape[-2], mask.shape[-1])
        self.shape = tuple(mask.shape)
        seen = _per_block(mask, block_size)
        full = seen == block_size[0] * block_size[1]
        self.kv_num_blocks, self.kv_indices = _ordered((seen > 0) & ~full)
        self.full_kv_num_blocks, self.full_kv_indices = _ordered(full)
        self._blocks = (seen > 0).int()
        self._mask = mask

    def to_dense(self) -> Tensor:
        """Which blocks are visible at all: ones and zeros (B, H, blocks of queries, blocks of keys)."""
        return self._blocks

    def numel(self) -> int:
        """How many scores there are without the mask."""
        return math.prod(self.shape)

    def sparsity(self) -> float:
        """The percentage of scores that lie in blocks which need not be computed."""
        computed = int(self._blocks.sum()) * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1]
        return 100 * (1 - computed / self.numel())

    def to(self, device: Any) -> "BlockMask":
        """The mask on a device."""
        return BlockMask(self._mask.to(device), self.mask_mod, self.BLOCK_SIZE)

    def __repr__(self) -> str:
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%)"


def _per_block(mask: Tensor, block_size: tuple[int, int]) -> Tensor:
    """How many scores of each block are visible; the last blocks are filled up with invisible ones."""
    (q, kv), (rows, columns) = mask.shape[-2:], block_size
    padded = tapeless.nn.functional.pad(mask.long(), (0, -kv % columns, 0, -q % rows))
    *batch, q, kv = padded.shape
    return padded.reshape(*batch, q // rows, rows, kv // columns, columns).sum((-3, -1))


def _ordered(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """For each row how many blocks there are, and the columns with those first."""
    return blocks.sum(-1).int(), tapeless.argsort(blocks.int(), dim=-1, descending=True, stable=True).int()


def create_block_mask(
    mask_mod: Any,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: Any = _DEFAULT_BLOCK_SIZE,
    _compile: bool = False,
) -> BlockMask:
    """The BlockMask of a mask_mod; None for B or H says that it is the same for all."""
    block_size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else tuple(BLOCK_SIZE)
    return BlockMask(create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device), mask_mod, block_size)


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable[..., Tensor] | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: Any = None,
) -> Any:
    """softmax(score_mod(query @ key.T * scale)) @ value, over what block_mask lets through.

    query is (B, Hq, L, E), key (B, Hkv, S, E), value (B, Hkv, S, Ev); with `enable_gqa` Hq may be a multiple of Hkv.
    A query that sees no key gives zeros. With `return_lse` the logarithms of the softmax's sums come too.
    """
    if query.dim() != 4 or key.dim() != 4 or value.dim() != 4:
        raise ValueError("Expected query, key, and value to be 4D tensors")
    if query.size(1) != key.size(1):
        if not enable_gqa or query.size(1) % key.size(1):
            raise ValueError(
                f"Expect query and key/value to have the same number of heads but got Hq={query.size(1)} and "
                f"Hkv={key.size(1)}. Try setting enable_gqa=True for GQA."
            )
        groups = query.size(1) // key.size(1)
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scale = 1 / math.sqrt(query.size(-1)) if scale is None else scale
    scores = (query @ key.transpose(-2, -1)) * scale
    if score_mod is not None:
        scores = _everywhere(score_mod, (0,))(scores, *_positions(*scores.shape))
    if block_mask is not None:
        hidden = ~block_mask._mask[..., : scores.shape[-2], : scores.shape[-1]]
        scores = scores.masked_fill(hidden, -math.inf)
        blind = hidden.all(-1, keepdim=True)
        weights = tapeless.softmax(scores.masked_fill(blind, 0.0), -1).masked_fill(blind, 0.0)
    else:
        weights = tapeless.softmax(scores, -1)
    out = weights.to(value.dtype) @ value
    return (out, tapeless.logsumexp(scores, -1)) if return_lse else out
